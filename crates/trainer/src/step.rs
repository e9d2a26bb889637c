//! One training step: one update of D and one of G.

use gan_config::Update;
use tch::{Kind, Tensor};

use crate::gan::Gan;
use crate::loader::Batch;
use crate::losses::Loss;
use crate::replica::{DiscriminatorStats, Replica};
use crate::workers::{Gradient, Shard, Sharded};

/// Learning rates and momentum of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// D's learning rate.
    pub lr_d: f64,
    /// G's learning rate.
    pub lr_g: f64,
    /// The momentum of SGD; Adam ignores it.
    pub momentum: f64,
}

/// Losses and logits of one step. They stay on the device; reading a value waits for
/// it.
#[derive(Debug)]
pub struct StepStats {
    /// D's loss without penalties, f32 scalar.
    pub loss_d: Tensor,
    /// G's loss, f32 scalar.
    pub loss_g: Tensor,
    /// D's logits for the real images, f32 `[n]`, before the update of D.
    pub real: Tensor,
    /// D's logits for the fake images, f32 `[n]`, before the update of D.
    pub fake: Tensor,
}

impl StepStats {
    /// The shares of real and of fake images that D classifies as real, 0 to 1.
    pub fn classified_real(&self, loss: &Loss) -> (f64, f64) {
        let threshold = loss.threshold(&self.real, &self.fake);
        let share = |logits: &Tensor| {
            let above = logits.gt_tensor(&threshold).to_kind(Kind::Float);
            above.mean(Kind::Float).double_value(&[])
        };
        (share(&self.real), share(&self.fake))
    }
}

impl Gan {
    /// Updates D and G once. `real` is the batch of real images. Latents come from
    /// libtorch's global random number generator. If `penalize` is true, D's loss
    /// includes the penalties. Conditional generators use the labels of `real`.
    pub fn step(&mut self, real: &Batch, rates: Rates, penalize: bool) -> StepStats {
        let latents = self.latents(real.len());
        self.power_iteration();
        let (d, loss_g) = match self.update {
            Update::Alternating => {
                let inputs = self.shards(real, &latents);
                let gradient = self.workers.map(inputs, |(replica, real, latents)| {
                    let fake = replica.fake(&latents, &real.labels);
                    replica.discriminator_gradient(&real, &fake, penalize)
                });
                let d = self.update_discriminator(gradient, rates);
                let latents = self.latents(real.len());
                (d, self.generator_step(real, &latents, rates))
            }
            Update::SharedLatents => {
                let inputs = self.shards(real, &latents);
                let gradients = self.workers.map(inputs, |(replica, real, latents)| {
                    let fake = replica.fake_with_graph(&latents, &real.labels);
                    let gradient =
                        replica.discriminator_gradient(&real, &fake.images.detach(), penalize);
                    (gradient, (real, fake))
                });
                let (gradient, inputs) = gradients.unzip();
                let d = self.update_discriminator(gradient, rates);
                // G's gradient goes through the updated D.
                let replica = self.replica();
                let inputs = inputs.map(|(real, fake)| (replica.shallow_clone(), real, fake));
                let gradient = self
                    .workers
                    .map(inputs, |(replica, real, fake)| replica.generator_gradient(&real, &fake));
                (d, self.update_generator(gradient, rates))
            }
            Update::Simultaneous => {
                // Both gradients are computed before either update.
                let inputs = self.shards(real, &latents);
                let gradients = self.workers.map(inputs, |(replica, real, latents)| {
                    let fake = replica.fake_with_graph(&latents, &real.labels);
                    replica.both_gradients(&real, &fake, penalize)
                });
                let (d, g) = gradients.unzip();
                let d = self.update_discriminator(d, rates);
                (d, self.update_generator(g, rates))
            }
        };
        StepStats { loss_d: d.loss, loss_g, real: d.real, fake: d.fake }
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
        rates: Rates,
        penalize: bool,
    ) -> DiscriminatorStats {
        self.power_iteration();
        let inputs = self.shards(real, fake);
        let gradient = self.workers.map(inputs, |(replica, real, fake)| {
            replica.discriminator_gradient(&real, &fake, penalize)
        });
        self.update_discriminator(gradient, rates)
    }

    /// Updates G only, through D's fixed weights. `latents` is f32 `[n, size]`, one for
    /// each real image. Returns G's loss, an f32 scalar.
    ///
    /// # Panics
    /// If there are fewer latents than real images.
    pub fn generator_step(&mut self, real: &Batch, latents: &Tensor, rates: Rates) -> Tensor {
        let inputs = self.shards(real, latents);
        let gradient = self.workers.map(inputs, |(replica, real, latents)| {
            let fake = replica.fake_with_graph(&latents, &real.labels);
            replica.generator_gradient(&real, &fake)
        });
        self.update_generator(gradient, rates)
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
        rates: Rates,
    ) -> DiscriminatorStats {
        let (gradient, stats) = gradients.average();
        let d = &mut self.discriminator;
        d.optimizer.update(&mut d.parameters, &gradient, rates.lr_d, rates.momentum);
        if let Some(clip) = self.clip {
            let _ = d.parameters.clamp_(-clip, clip);
        }
        stats
    }

    fn update_generator(&mut self, gradients: Sharded<Gradient<Tensor>>, rates: Rates) -> Tensor {
        let (gradient, loss) = gradients.average();
        let g = &mut self.generator;
        g.optimizer.update(&mut g.parameters, &gradient, rates.lr_g, rates.momentum);
        loss
    }

    /// Splits a batch. Each shard has a replica of the networks, its part of `real`
    /// and its rows of `rows`, which are latents or fake images.
    fn shards<'a>(&'a self, real: &Batch, rows: &Tensor) -> Sharded<(Replica<'a>, Batch, Tensor)> {
        let replica = self.replica();
        self.workers.shards(real.len()).map(|shard: Shard| {
            let real = Batch { images: shard.rows(&real.images), labels: shard.rows(&real.labels) };
            (replica.shallow_clone(), real, shard.rows(rows))
        })
    }
}
