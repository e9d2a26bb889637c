//! The state of a GAN in training: both networks with their parameters and optimizers.

use std::sync::Arc;

use gan_config::{Classes, Settings, Update, WeightBound};
use gan_models::{Discriminator, Generator, Layout, Mode, Networks};
use tch::{Device, Kind, Tensor, no_grad};

use crate::config::shardable;
use crate::ema::Ema;
use crate::loader::Batch;
use crate::losses::Loss;
use crate::objective::Objective;
use crate::optimizer::Optimizer;
use crate::replica::Replica;
use crate::sampler::{Sampler, all_classes};
use crate::seeds::{Stream, seed_torch};
use crate::spectral_norm::{SingularVectors, SpectralNorm};
use crate::workers::Workers;

/// A network, its parameters and its optimizer.
#[derive(Debug)]
pub struct Net<N: ?Sized> {
    /// The network.
    pub network: Arc<N>,
    /// All parameters in one flat buffer, f32 `[numel]`, in the order of the network's
    /// [`Layout`]. `Weights` are views of such a buffer, one for each parameter.
    pub parameters: Tensor,
    /// The optimizer.
    pub optimizer: Optimizer,
}

/// Both networks with their state, and the settings of a step.
#[derive(Debug)]
pub struct Gan {
    /// The generator, G.
    pub generator: Net<dyn Generator>,
    /// The discriminator, D.
    pub discriminator: Net<dyn Discriminator>,
    /// Spectral normalization of D's weights.
    pub spectral_norm: Option<SpectralNorm>,
    /// The exponential moving average of G's parameters.
    pub ema: Option<Ema>,
    /// The losses of G and D, and D's penalties.
    pub objective: Objective,
    /// How the two updates of a step depend on each other.
    pub update: Update,
    /// The limit of D's parameters: they are clamped to ± this value after each update.
    pub clip: Option<f64>,
    /// Threads for data parallelism.
    pub workers: Workers,
    /// Real images in a batch.
    pub batch: u64,
    /// The classes that samples of a conditional generator take in turn.
    pub classes: Classes,
    /// The data type in which the networks compute: Float (f32) or BFloat16.
    /// Parameters are always f32.
    pub kind: Kind,
    /// The device of all tensors.
    pub device: Device,
}

impl Gan {
    /// Both networks with initial parameters drawn from `seed`. Samples take all classes of
    /// a conditional generator in turn.
    pub fn new(
        networks: Networks,
        loss: Loss,
        settings: &Settings,
        seed: u64,
        device: Device,
        kind: Kind,
    ) -> Gan {
        let workers = match shardable(&networks, settings, device) {
            true => Workers::new(settings.batch),
            false => Workers::none(),
        };
        let Networks { generator, discriminator } = networks;
        seed_torch(seed, Stream::Init, 0);
        let g = generator.layout().init(device);
        let d = discriminator.layout().init(device);
        let layout = discriminator.layout();
        let normalized = settings.weight_bound == Some(WeightBound::SpectralNorm);
        let spectral_norm =
            normalized.then(|| SpectralNorm::new(layout, &layout.weights(&d), device));
        Gan {
            classes: all_classes(generator.as_ref()),
            ema: settings.ema.map(|ema| Ema::new(ema.half_life_images, &g)),
            generator: Net {
                network: generator,
                optimizer: Optimizer::new(settings.optimizer, &g),
                parameters: g,
            },
            discriminator: Net {
                optimizer: Optimizer::new(settings.optimizer, &d),
                network: discriminator,
                parameters: d,
            },
            spectral_norm,
            objective: Objective::new(loss, settings),
            update: settings.update,
            clip: settings.clip(),
            workers,
            batch: settings.batch,
            kind,
            device,
        }
    }

    /// `n` new latents, f32 `[n, size]`, from libtorch's global random number
    /// generator.
    pub fn latents(&self, n: i64) -> Tensor {
        self.generator.network.latent().sample(n, self.device)
    }

    /// A sampler with G's averaged parameters if there are any, else with its current
    /// ones.
    pub fn sampler(&self) -> Sampler {
        let parameters = match &self.ema {
            Some(ema) => ema.parameters(),
            None => &self.generator.parameters,
        };
        let generator = self.generator.network.clone();
        Sampler::new(generator, parameters, self.kind, self.batch)
            .with_classes(self.classes.clone())
    }

    /// Parameters for inference, G's and D's, each f32 `[numel]`: G's average if there is
    /// one, and D's weights with spectral normalization if training uses it.
    pub fn inference_parameters(&self) -> [Tensor; 2] {
        let (g, d) = (&self.generator.parameters, &self.discriminator.parameters);
        let g = self.ema.as_ref().map_or(g, Ema::parameters).shallow_clone();
        let Some(spectral_norm) = &self.spectral_norm else {
            return [g, d.shallow_clone()];
        };
        let layout = self.discriminator.network.layout();
        let weights = no_grad(|| spectral_norm.vectors().normalize(&layout.weights(d)));
        [g, layout.flatten(weights.tensors(), self.device)]
    }

    /// All tensors of the state: name, layout and flat buffer f32 `[numel]`. The
    /// buffers share memory with this GAN. The optimizers' update counts are not
    /// included.
    pub fn state(&self) -> Vec<(String, &Layout, Tensor)> {
        let mut state = Vec::new();
        let mut add = |name: &str, layout, parameters: &Tensor, optimizer: &Optimizer| {
            state.push((name.to_owned(), layout, parameters.shallow_clone()));
            for (buffer, flat) in optimizer.buffers() {
                state.push((format!("{name}_{buffer}"), layout, flat));
            }
        };
        let (g, d) = (&self.generator, &self.discriminator);
        let (g_layout, d_layout) = (g.network.layout(), d.network.layout());
        add("generator", g_layout, &g.parameters, &g.optimizer);
        add("discriminator", d_layout, &d.parameters, &d.optimizer);
        if let Some(spectral_norm) = &self.spectral_norm {
            let (layout, flat) = spectral_norm.state();
            state.push(("discriminator_spectral".to_owned(), layout, flat));
        }
        if let Some(ema) = &self.ema {
            let flat = ema.parameters().shallow_clone();
            state.push(("generator_ema".to_owned(), g_layout, flat));
        }
        state
    }

    /// The name of the first tensor of [`Gan::state`] that holds NaN or an infinity.
    pub fn first_non_finite(&self) -> Option<String> {
        let sum = |flat: &Tensor, kind| flat.sum(kind).double_value(&[]);
        // A value that is not finite makes the sum not finite. The f32 sum is faster,
        // but it can overflow although all values are finite; then the f64 sum decides.
        let not_finite = |flat: &Tensor| {
            !sum(flat, Kind::Float).is_finite() && !sum(flat, Kind::Double).is_finite()
        };
        let mut state = self.state().into_iter();
        state.find(|(_, _, flat)| not_finite(flat)).map(|(name, _, _)| name)
    }

    /// Generates fake images `[n, 1, side, side]` with G in training mode, without
    /// gradients, from latents f32 `[n, size]` and labels i64 `[n]`.
    pub fn fake(&self, latents: &Tensor, labels: &Tensor) -> Tensor {
        self.replica().fake(latents, labels)
    }

    /// D's logits, f32 `[n]`, for images `[n, 1, side, side]` and labels i64
    /// `[n]`, without dropout and gradients.
    pub fn logits(&self, images: &Tensor, labels: &Tensor) -> Tensor {
        no_grad(|| {
            let weights = self.replica().frozen_discriminator();
            self.discriminator
                .network
                .forward(&weights, images, Some(labels), Mode::Sample)
                .to_kind(Kind::Float)
        })
    }

    /// The share of `real` and `fake` images that D classifies correctly, 0 to 1.
    /// The labels of `real` are the labels of both.
    pub fn accuracy(&self, real: &Batch, fake: &Tensor) -> f64 {
        let logits = |images| self.logits(images, &real.labels);
        let (real, fake) = (logits(&real.images), logits(fake));
        let threshold = self.objective.loss.threshold(&real, &fake);
        let share = |right: Tensor| right.to_kind(Kind::Float).mean(Kind::Float);
        let both = share(real.gt_tensor(&threshold)) + share(fake.le_tensor(&threshold));
        both.double_value(&[]) / 2.0
    }

    /// Both networks' current parameters in the data type of computation, detached from
    /// autograd. In f32 they share memory with this GAN.
    pub(crate) fn replica(&self) -> Replica<'_> {
        let (g, d) = (&self.generator, &self.discriminator);
        let vectors = self.spectral_norm.as_ref().map(SpectralNorm::vectors);
        Replica {
            generator: g.network.as_ref(),
            discriminator: d.network.as_ref(),
            vectors: vectors.map(SingularVectors::shallow_clone),
            objective: &self.objective,
            g_parameters: g.parameters.detach().to_kind(self.kind),
            d_parameters: d.parameters.detach().to_kind(self.kind),
        }
    }
}
