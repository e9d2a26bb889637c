//! The state of a game: two networks, their parameters and their optimizers.

use std::sync::Arc;

use gan_models::{Discriminator, Generator, Layout, Mode, PixelRange, Weights};
use mnist_io::Images;
use tch::{Device, Kind, Tensor, no_grad};

use crate::Error;
use crate::crew::Crew;
use crate::data::Batch;
use crate::losses::Loss;
use crate::networks::Pair;
use crate::optimizer::{Average, Optimizer};
use crate::players::Players;
use crate::seeds::{Stream, seed_torch};
use crate::settings::Settings;
use crate::spectral::SpectralNorm;

/// What [`Game::state`] calls the average of G's parameters.
pub(crate) const AVERAGE: &str = "generator-average";

/// One network's parameters and the state of their optimizer.
#[derive(Debug)]
pub struct Player {
    /// f32 `[numel]`, in the order of the network's layout.
    pub parameters: Tensor,
    /// The optimizer.
    pub optimizer: Optimizer,
}

/// Everything that changes from step to step.
#[derive(Debug)]
pub struct Game {
    /// The counterfeiter.
    pub generator: Arc<dyn Generator>,
    /// The police officer.
    pub discriminator: Arc<dyn Discriminator>,
    /// G's parameters.
    pub g: Player,
    /// D's parameters.
    pub d: Player,
    /// What normalizes D's weights, where the settings ask for it.
    pub spectral: Option<SpectralNorm>,
    /// The average of G's parameters, where the settings ask for one.
    pub average: Option<Average>,
    /// The range of pixels in the networks.
    pub range: PixelRange,
    /// The threads that share a step, where it can be shared.
    pub crew: Option<Crew>,
    /// The kind that the networks compute in; parameters stay f32.
    pub kind: Kind,
    /// Where everything lies.
    pub device: Device,
}

impl Game {
    /// Fresh networks, their starting values a function of `seed`.
    pub fn new(pair: Pair, settings: &Settings, seed: u64, device: Device, kind: Kind) -> Game {
        seed_torch(seed, Stream::Init, 0);
        let player = |parameters: Tensor| Player {
            optimizer: Optimizer::new(settings.optimizer, settings.adam, &parameters),
            parameters,
        };
        let g = player(pair.generator.layout().init(device));
        let d = player(pair.discriminator.layout().init(device));
        let layout = pair.discriminator.layout();
        let spectral = settings
            .spectral_norm
            .then(|| SpectralNorm::new(layout, &layout.weights(&d.parameters), device));
        let average =
            (settings.ema_images > 0.0).then(|| Average::new(settings.ema_images, &g.parameters));
        let crew = Crew::assemble(settings, device);
        Game {
            crew,
            generator: pair.generator,
            discriminator: pair.discriminator,
            g,
            d,
            spectral,
            average,
            range: pair.range,
            kind,
            device,
        }
    }

    /// The parameters that samples come from: the average where there is one.
    pub fn sampling_parameters(&self) -> &Tensor {
        match &self.average {
            Some(average) => average.parameters(),
            None => &self.g.parameters,
        }
    }

    /// All that changes from step to step, but for the optimizers' numbers of
    /// updates: names, layouts and handles on the f32 buffers `[numel]` that
    /// the game works with.
    pub fn state(&self) -> Vec<(String, &Layout, Tensor)> {
        let mut state = Vec::new();
        for (name, layout, player) in [
            ("generator", self.generator.layout(), &self.g),
            ("discriminator", self.discriminator.layout(), &self.d),
        ] {
            let parameters = player.parameters.shallow_clone();
            state.push((name.to_owned(), layout, parameters));
            for (buffer, flat) in player.optimizer.buffers() {
                state.push((format!("{name}-{buffer}"), layout, flat));
            }
        }
        if let Some(spectral) = &self.spectral {
            let (layout, flat) = spectral.state();
            state.push(("discriminator-spectral".to_owned(), layout, flat));
        }
        if let Some(average) = &self.average {
            let flat = average.parameters().shallow_clone();
            state.push((AVERAGE.to_owned(), self.generator.layout(), flat));
        }
        state
    }

    /// The first part of [`Game::state`] with a number in it that is not
    /// finite.
    pub fn diverged(&self) -> Option<String> {
        let sum = |flat: &Tensor, kind| flat.sum(kind).double_value(&[]);
        // What is not finite makes the sum so. The sum of finite f32 can be too
        // large for f32, which is quicker, but not for f64.
        let broken = |flat: &Tensor| {
            !sum(flat, Kind::Float).is_finite() && !sum(flat, Kind::Double).is_finite()
        };
        let mut state = self.state().into_iter();
        state
            .find(|(_, _, flat)| broken(flat))
            .map(|(name, _, _)| name)
    }

    /// D's weights, frozen: gradients flow through them, not into them.
    pub fn frozen_discriminator(&self) -> Weights {
        Players::of(self).frozen_discriminator()
    }

    /// Lets what normalizes D's weights catch up with them.
    pub(crate) fn follow(&mut self) {
        if let Some(spectral) = &mut self.spectral {
            spectral.follow(&self.discriminator.layout().weights(&self.d.parameters));
        }
    }

    /// Forgeries from `latents` f32 `[n, size]`, `[n, 1, side, side]`, with no
    /// way back to G; `labels` i64 `[n]` count where G is conditional.
    pub fn forge(&self, latents: &Tensor, labels: &Tensor, mode: Mode) -> Tensor {
        forgeries(
            self.generator.as_ref(),
            &self.g.parameters,
            latents,
            labels,
            self.kind,
            mode,
        )
    }

    /// The share of `originals` and `forgeries` that D tells apart under the
    /// rules of `loss`, 0 to 1; the labels are those of both.
    pub fn accuracy(&self, loss: Loss, originals: &Batch, forgeries: &Tensor) -> f64 {
        no_grad(|| {
            let weights = self.frozen_discriminator();
            let classifier = |images| {
                self.discriminator
                    .forward(&weights, images, Some(&originals.labels), Mode::Sample)
                    .to_kind(Kind::Float)
            };
            let (real, fake) = (classifier(&originals.images), classifier(forgeries));
            let threshold = loss.threshold(&real, &fake);
            let share = |right: Tensor| right.to_kind(Kind::Float).mean(Kind::Float);
            let both = share(real.gt_tensor(&threshold)) + share(fake.le_tensor(&threshold));
            both.double_value(&[]) / 2.0
        })
    }
}

/// What `generator` with `parameters` `[numel]` makes of `latents`
/// `[n, size]` and `labels` i64 `[n]`, with no way back to either:
/// `[n, 1, side, side]` in `kind`.
pub fn forgeries(
    generator: &dyn Generator,
    parameters: &Tensor,
    latents: &Tensor,
    labels: &Tensor,
    kind: Kind,
    mode: Mode,
) -> Tensor {
    no_grad(|| {
        let weights = generator.layout().weights(&parameters.to_kind(kind));
        generator.forward(&weights, latents, Some(labels), mode)
    })
}

/// Images of `latents` `[n, size]` and `labels` i64 `[n]` seen through
/// `generator` with `parameters` f32 `[numel]`.
///
/// # Errors
/// Where the images cannot be read back from the device.
pub fn sample(
    generator: &dyn Generator,
    parameters: &Tensor,
    latents: &Tensor,
    labels: &Tensor,
    range: PixelRange,
    kind: Kind,
) -> Result<Images, Error> {
    let mode = Mode::Sample;
    let images = forgeries(generator, parameters, latents, labels, kind, mode);
    let bytes = range.to_bytes(&images);
    let (n, _, rows, cols) = bytes.size4()?;
    let mut pixels = vec![0u8; (n * rows * cols) as usize];
    let numel = pixels.len();
    bytes
        .contiguous()
        .to_device(Device::Cpu)
        .f_copy_data(&mut pixels, numel)?;
    Ok(Images::new(rows as usize, cols as usize, pixels)?)
}
