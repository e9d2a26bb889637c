//! The state of a GAN in training: both networks with their parameters and optimizers.

use std::sync::Arc;

use gan_config::{Classes, LipschitzConstraint, Update};
use gan_models::{Discriminator, Generator, Mode, Networks, ParamLayout};
use tch::{Device, Kind, Tensor, no_grad};

use crate::config::TrainConfig;
use crate::ema::Ema;
use crate::loader::Batch;
use crate::objective::Objective;
use crate::optimizer::Optimizer;
use crate::replica::Replica;
use crate::sampler::Sampler;
use crate::seeds::{RandomStream, seed_torch};
use crate::spectral_norm::{SingularVectors, SpectralNorm};
use crate::workers::Workers;

/// A network, its parameters and its optimizer.
#[derive(Debug)]
pub struct NetworkState<N: ?Sized> {
    /// The network.
    pub network: Arc<N>,
    /// All parameters in one flat buffer, f32 `[numel]`, in the order of the network's
    /// [`ParamLayout`]. `Weights` are views of such a buffer, one for each parameter.
    pub parameters: Tensor,
    /// The optimizer.
    pub optimizer: Optimizer,
}

/// Both networks with their state, and how a step updates them.
#[derive(Debug)]
pub struct Gan {
    /// The generator, G.
    pub generator: NetworkState<dyn Generator>,
    /// The discriminator, D.
    pub discriminator: NetworkState<dyn Discriminator>,
    /// Spectral normalization of D's weights.
    pub spectral_norm: Option<SpectralNorm>,
    /// The exponential moving average of G's parameters.
    pub ema: Option<Ema>,
    /// The losses of G and D, and D's penalties.
    pub objective: Objective,
    /// Whether D and G update one after the other or at once, and whether both updates use the
    /// same latents.
    pub update: Update,
    /// Clamps D's parameters to ± this value after each update (weight clipping).
    pub weight_clip: Option<f64>,
    /// Threads for data parallelism.
    pub workers: Workers,
    /// Real images per batch. A step takes one batch; the last phase of the notebook schedule
    /// takes two. Samples of a generator with batch norm use batches of this size.
    pub batch_size: u64,
    /// The classes of the training images. Samples of a conditional generator cycle through them.
    pub classes: Classes,
    /// The data type in which the networks compute: Float (f32) or BFloat16.
    /// Parameters are always f32.
    pub dtype: Kind,
    /// The device of all tensors.
    pub device: Device,
}

impl Gan {
    /// Both networks with initial parameters drawn from the seed of `config`.
    pub fn new(config: &TrainConfig) -> Gan {
        let TrainConfig { networks, settings, device, .. } = config;
        let Networks { generator, discriminator } = networks;
        let workers = if config.data_parallel() {
            Workers::new(settings.batch)
        } else {
            Workers::single_threaded()
        };
        seed_torch(config.seed, RandomStream::Init, 0);
        let g = generator.layout().init(*device);
        let d = discriminator.layout().init(*device);
        let layout = discriminator.layout();
        let uses_spectral_norm =
            settings.lipschitz_constraint == Some(LipschitzConstraint::SpectralNorm);
        Gan {
            ema: settings.ema.map(|ema| Ema::new(ema.half_life_images, &g)),
            spectral_norm: uses_spectral_norm
                .then(|| SpectralNorm::new(layout, &layout.weights(&d), *device)),
            generator: NetworkState {
                network: generator.clone(),
                optimizer: Optimizer::new(settings.optimizer, &g),
                parameters: g,
            },
            discriminator: NetworkState {
                network: discriminator.clone(),
                optimizer: Optimizer::new(settings.optimizer, &d),
                parameters: d,
            },
            objective: Objective::new(config.loss, settings),
            update: settings.update,
            weight_clip: settings.weight_clip(),
            workers,
            batch_size: settings.batch,
            classes: config.classes.clone(),
            dtype: config.dtype,
            device: *device,
        }
    }

    /// `n` new latents, f32 `[n, dim]`, from libtorch's global random number
    /// generator.
    pub fn latents(&self, n: i64) -> Tensor {
        self.generator.network.latent().sample(n, self.device)
    }

    /// G's parameters for inference, f32 `[numel]`: its average if there is one, else its
    /// current parameters.
    fn generator_inference_parameters(&self) -> &Tensor {
        self.ema.as_ref().map_or(&self.generator.parameters, Ema::parameters)
    }

    /// A sampler with G's averaged parameters if there are any, else with its current
    /// parameters. In f32, it shares memory with this GAN.
    pub fn sampler(&self) -> Sampler {
        let generator = self.generator.network.clone();
        Sampler::new(generator, self.generator_inference_parameters(), self.dtype, self.batch_size)
            .with_classes(self.classes.clone())
    }

    /// Parameters for inference, G's and D's, each f32 `[numel]`: G's average if there is
    /// one, and D's weights with spectral normalization if training uses it.
    pub fn inference_parameters(&self) -> [Tensor; 2] {
        let g = self.generator_inference_parameters().shallow_clone();
        let d = &self.discriminator.parameters;
        let Some(spectral_norm) = &self.spectral_norm else {
            return [g, d.shallow_clone()];
        };
        let layout = self.discriminator.network.layout();
        let weights = no_grad(|| spectral_norm.vectors().normalize_weights(&layout.weights(d)));
        [g, layout.flatten(weights.tensors(), self.device)]
    }

    /// All tensors of the state: name, layout and flat buffer f32 `[numel]`. The
    /// buffers share memory with this GAN. The optimizers' update counts are not
    /// included.
    pub fn state_dict(&self) -> Vec<(String, &ParamLayout, Tensor)> {
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
            let (layout, flat) = spectral_norm.layout_and_buffer();
            state.push(("discriminator_spectral".to_owned(), layout, flat));
        }
        if let Some(ema) = &self.ema {
            let flat = ema.parameters().shallow_clone();
            state.push(("generator_ema".to_owned(), g_layout, flat));
        }
        state
    }

    /// The name of the first tensor of [`Gan::state_dict`] that holds NaN or an infinity.
    pub fn first_non_finite(&self) -> Option<String> {
        let sum = |flat: &Tensor, kind| flat.sum(kind).double_value(&[]);
        // A value that is not finite makes the sum not finite. The f32 sum is faster, but it
        // can also overflow. In that case the f64 sum decides.
        let not_finite = |flat: &Tensor| {
            !sum(flat, Kind::Float).is_finite() && !sum(flat, Kind::Double).is_finite()
        };
        let mut state = self.state_dict().into_iter();
        state.find(|(_, _, flat)| not_finite(flat)).map(|(name, _, _)| name)
    }

    /// Generates fake images `[n, 1, side, side]` with dropout active, without
    /// gradients, from latents f32 `[n, dim]` and labels i64 `[n]`.
    pub fn generate_fake(&self, latents: &Tensor, labels: &Tensor) -> Tensor {
        self.replica().generate_fake(latents, labels)
    }

    /// D's logits, f32 `[n]`, for images `[n, 1, side, side]` and labels i64 `[n]`, without
    /// dropout and gradients. Batch norm always uses the statistics of the batch: there are no
    /// running ones.
    pub fn logits(&self, images: &Tensor, labels: &Tensor) -> Tensor {
        self.logits_with_dtype(self.dtype, images, labels)
    }

    /// [`Gan::logits`], computed in `dtype`.
    pub(crate) fn logits_with_dtype(
        &self,
        dtype: Kind,
        images: &Tensor,
        labels: &Tensor,
    ) -> Tensor {
        no_grad(|| {
            let weights = self.replica_with_dtype(dtype).discriminator_weights();
            let network = &self.discriminator.network;
            network.forward(&weights, images, Some(labels), Mode::Eval).to_kind(Kind::Float)
        })
    }

    /// The share of `real` and `fake` images that D classifies correctly, 0 to 1.
    /// Both have the labels of `real`.
    pub fn accuracy(&self, real: &Batch, fake: &Tensor) -> f64 {
        let logits = |images| self.logits(images, &real.labels);
        let loss = &self.objective.loss;
        let (real_as_real, fake_as_real) =
            loss.shares_classified_real(&logits(&real.images), &logits(fake));
        (real_as_real + 1.0 - fake_as_real) / 2.0
    }

    /// Both networks with detached parameters in the data type of computation. In f32, the
    /// parameters share memory with this GAN.
    pub(crate) fn replica(&self) -> Replica<'_> {
        self.replica_with_dtype(self.dtype)
    }

    fn replica_with_dtype(&self, dtype: Kind) -> Replica<'_> {
        let (g, d) = (&self.generator, &self.discriminator);
        let vectors = self.spectral_norm.as_ref().map(SpectralNorm::vectors);
        Replica {
            generator: g.network.as_ref(),
            discriminator: d.network.as_ref(),
            vectors: vectors.map(SingularVectors::shallow_clone),
            objective: &self.objective,
            g_parameters: g.parameters.detach().to_kind(dtype),
            d_parameters: d.parameters.detach().to_kind(dtype),
        }
    }
}
