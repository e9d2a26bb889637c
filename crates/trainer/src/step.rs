//! One training step: one update of D and one of G.

use gan_config::Update;
use tch::Tensor;

use crate::gan::Gan;
use crate::loader::Batch;
use crate::replica::{DiscriminatorStats, Replica};
use crate::workers::{Gradient, Shard, Sharded};

/// Learning rates and momentum of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepHyperparams {
    /// D's learning rate.
    pub lr_d: f64,
    /// G's learning rate.
    pub lr_g: f64,
    /// The momentum of SGD; Adam ignores it.
    pub momentum: f64,
}

/// Losses and logits of one step. The tensors stay on the device; reading a value waits for
/// the device.
#[derive(Debug)]
pub struct StepStats {
    /// D's loss and logits.
    pub discriminator: DiscriminatorStats,
    /// G's loss, f32 scalar.
    pub loss_g: Tensor,
}

impl Gan {
    /// Updates D and G once. `real` is the batch of real images. Latents come from
    /// libtorch's global random number generator. If `penalize` is true, D's loss
    /// includes the penalties. Conditional generators use the labels of `real`.
    pub fn step(&mut self, real: &Batch, hyper: StepHyperparams, penalize: bool) -> StepStats {
        let latents = self.latents(real.len());
        self.power_iteration();
        let (stats, loss_g) = match self.update {
            Update::Alternating => {
                let inputs = self.shard_inputs(real, &latents);
                let gradient = self.workers.map(inputs, |(replica, real, latents)| {
                    let fake = replica.generate_fake(&latents, &real.labels);
                    replica.discriminator_gradient(&real, &fake, penalize)
                });
                let stats = self.update_discriminator(gradient, hyper);
                let latents = self.latents(real.len());
                (stats, self.generator_step(real, &latents, hyper))
            }
            Update::SharedLatents => {
                let inputs = self.shard_inputs(real, &latents);
                let gradients = self.workers.map(inputs, |(replica, real, latents)| {
                    let fake = replica.generate_fake_with_graph(&latents, &real.labels);
                    let gradient =
                        replica.discriminator_gradient(&real, &fake.images.detach(), penalize);
                    (gradient, (real, fake))
                });
                let (gradient, inputs) = gradients.unzip();
                let stats = self.update_discriminator(gradient, hyper);
                // G's gradient goes through the updated D.
                let replica = self.replica();
                let inputs = inputs.map(|(real, fake)| (replica.shallow_clone(), real, fake));
                let gradient = self
                    .workers
                    .map(inputs, |(replica, real, fake)| replica.generator_gradient(&real, &fake));
                (stats, self.update_generator(gradient, hyper))
            }
            Update::Simultaneous => {
                // Both gradients are computed before either update.
                let inputs = self.shard_inputs(real, &latents);
                let gradients = self.workers.map(inputs, |(replica, real, latents)| {
                    let fake = replica.generate_fake_with_graph(&latents, &real.labels);
                    replica.both_gradients(&real, &fake, penalize)
                });
                let (d_gradients, g_gradients) = gradients.unzip();
                let stats = self.update_discriminator(d_gradients, hyper);
                (stats, self.update_generator(g_gradients, hyper))
            }
        };
        StepStats { discriminator: stats, loss_g }
    }

    /// Updates D only, on equally many real and fake images; `fake` is
    /// `[n, 1, side, side]`.
    ///
    /// # Panics
    /// If there are fewer fake images than real ones.
    pub fn discriminator_step(
        &mut self,
        real: &Batch,
        fake: &Tensor,
        hyper: StepHyperparams,
        penalize: bool,
    ) -> DiscriminatorStats {
        self.power_iteration();
        let inputs = self.shard_inputs(real, fake);
        let gradient = self.workers.map(inputs, |(replica, real, fake)| {
            replica.discriminator_gradient(&real, &fake, penalize)
        });
        self.update_discriminator(gradient, hyper)
    }

    /// Updates G only. D's weights are fixed. `latents` is f32 `[n, dim]`, one for
    /// each real image. Returns G's loss, an f32 scalar.
    ///
    /// # Panics
    /// If there are fewer latents than real images.
    pub fn generator_step(
        &mut self,
        real: &Batch,
        latents: &Tensor,
        hyper: StepHyperparams,
    ) -> Tensor {
        let inputs = self.shard_inputs(real, latents);
        let gradient = self.workers.map(inputs, |(replica, real, latents)| {
            let fake = replica.generate_fake_with_graph(&latents, &real.labels);
            replica.generator_gradient(&real, &fake)
        });
        self.update_generator(gradient, hyper)
    }

    /// Updates the moving average of G's parameters. `images` is the number of images
    /// since the last update, `images_seen` the number in total.
    pub fn update_ema(&mut self, images: u64, images_seen: u64) {
        if let Some(ema) = &mut self.ema {
            ema.update(&self.generator.parameters, images as f64, images_seen as f64);
        }
    }

    fn power_iteration(&mut self) {
        if let Some(spectral_norm) = &mut self.spectral_norm {
            let layout = self.discriminator.network.layout();
            spectral_norm.power_iteration(&layout.weights(&self.discriminator.parameters));
        }
    }

    fn update_discriminator(
        &mut self,
        gradients: Sharded<Gradient<DiscriminatorStats>>,
        hyper: StepHyperparams,
    ) -> DiscriminatorStats {
        let (gradient, stats) = gradients.average();
        let d = &mut self.discriminator;
        d.optimizer.update(&mut d.parameters, &gradient, hyper.lr_d, hyper.momentum);
        if let Some(limit) = self.weight_clip {
            let _ = d.parameters.clamp_(-limit, limit);
        }
        stats
    }

    fn update_generator(
        &mut self,
        gradients: Sharded<Gradient<Tensor>>,
        hyper: StepHyperparams,
    ) -> Tensor {
        let (gradient, loss) = gradients.average();
        let g = &mut self.generator;
        g.optimizer.update(&mut g.parameters, &gradient, hyper.lr_g, hyper.momentum);
        loss
    }

    /// Splits a batch into shards. Each has a replica of the networks, some images of `real`,
    /// and the corresponding `inputs`, which are latents or fake images.
    fn shard_inputs<'a>(
        &'a self,
        real: &Batch,
        inputs: &Tensor,
    ) -> Sharded<(Replica<'a>, Batch, Tensor)> {
        let replica = self.replica();
        self.workers.shards(real.len()).map(|shard: Shard| {
            let real = Batch { images: shard.rows(&real.images), labels: shard.rows(&real.labels) };
            (replica.shallow_clone(), real, shard.rows(inputs))
        })
    }
}
