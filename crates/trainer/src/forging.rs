//! Forgeries in any number, from a run's checkpoint or from a generator at hand.

use gan_models::{Generator, PixelRange};
use mnist_io::Images;
use run_dir::{Config, RunDir};
use tch::{Device, Kind, Tensor};

use crate::Error;
use crate::checkpoint::{self, Progress, STATE, State};
use crate::game::sample;
use crate::networks::Pair;
use crate::precision::kind_of;
use crate::seeds::{Stream, seed_torch};
use crate::settings::Settings;

/// Forgeries made at a time: what one needs on its way through G is many times
/// what is kept of it.
const CHUNK: u64 = 500;

/// The generator of a run, as its newest checkpoint left it.
#[derive(Debug)]
pub struct Forger {
    /// The run's configuration.
    pub config: Config,
    /// The settings in it.
    pub settings: Settings,
    /// Steps finished when the checkpoint was made.
    pub step: u64,
    /// How far the run was then; checkpoints of early versions do not say.
    pub progress: Option<Progress>,
    pair: Pair,
    parameters: Tensor,
    kind: Kind,
}

/// A generator with weights, and how to use it.
#[derive(Debug, Clone, Copy)]
pub struct Hand<'a> {
    /// The network.
    pub generator: &'a dyn Generator,
    /// Its parameters, f32 `[numel]`.
    pub parameters: &'a Tensor,
    /// The range of its pixels.
    pub range: PixelRange,
    /// The kind that it computes in.
    pub kind: Kind,
    /// Images in a batch of its training.
    pub batch: u64,
}

impl Forger {
    /// Loads the newest checkpoint of `run`, on the CPU.
    ///
    /// # Errors
    /// A run without a checkpoint, or one whose forgeries are numbers; files
    /// that cannot be read or do not fit.
    pub fn open(run: &RunDir) -> Result<Forger, Error> {
        let config = run.config()?;
        let settings = Settings::of(run, &config)?;
        if settings.network.draws_originals() {
            return Err(Error::Numbers {
                preset: config.preset,
            });
        }
        let kind = kind_of(run, &config)?;
        let Some((step, folder)) = run.newest_checkpoint()? else {
            return Err(Error::NoCheckpoint {
                run: run.root().to_owned(),
            });
        };
        let progress = if folder.join(STATE).exists() {
            Some(State::read(&folder)?.progress)
        } else {
            None
        };
        let pair = settings.network.build(None);
        let parameters = checkpoint::load(
            &folder.join(checkpoint::SAMPLING),
            pair.generator.layout(),
            Device::Cpu,
        )?;
        Ok(Forger {
            config,
            settings,
            step,
            progress,
            pair,
            parameters,
            kind,
        })
    }

    /// Whether a digit can be asked for.
    pub fn conditional(&self) -> bool {
        self.pair.generator.conditional()
    }

    /// `count` forgeries, a function of `seed`: of `digit` where one is given,
    /// else 0 to 9 in turn where G is conditional. `watch` is told now and then
    /// how many are made.
    ///
    /// # Errors
    /// Those of [`forge`].
    pub fn forge(
        &self,
        seed: u64,
        count: u64,
        digit: Option<u8>,
        watch: &mut dyn FnMut(u64),
    ) -> Result<Images, Error> {
        let hand = Hand {
            generator: self.pair.generator.as_ref(),
            parameters: &self.parameters,
            range: self.pair.range,
            kind: self.kind,
            batch: self.config.batch,
        };
        forge(hand, (seed, Stream::Sample), count, digit, watch)
    }
}

/// `count` forgeries by `hand`, a function of the seed and the stream: of
/// `digit` where one is given, else as [`asked_digit`] says, if G takes digits.
/// `watch` is told how many are made after each part.
///
/// # Errors
/// [`Error::Label`] above 9; [`Error::Unconditional`] where G takes no digits;
/// where libtorch refuses.
pub fn forge(
    hand: Hand<'_>,
    (seed, stream): (u64, Stream),
    count: u64,
    digit: Option<u8>,
    watch: &mut dyn FnMut(u64),
) -> Result<Images, Error> {
    let generator = hand.generator;
    let device = hand.parameters.device();
    match digit {
        Some(digit) if !generator.conditional() => return Err(Error::Unconditional { digit }),
        Some(label) if label > 9 => return Err(Error::Label { label }),
        _ => {}
    }
    // Where the images of a batch influence each other, batches are as large as
    // in training, and what is too much of the last one is thrown away.
    let chunk = if generator.uses_batch_statistics() {
        hand.batch.max(1)
    } else {
        CHUNK.min(count.max(1))
    };
    let mut pixels = Vec::new();
    let (mut rows, mut cols) = (1, 1);
    for part in 0..count.div_ceil(chunk) {
        seed_torch(seed, stream, part);
        let first = part * chunk;
        let kept = chunk.min(count - first);
        let size = if generator.uses_batch_statistics() {
            chunk
        } else {
            kept
        };
        let latents = generator.latent().sample(size as i64, device);
        let digits: Vec<i64> = (first..first + size)
            .map(|i| digit.map_or(asked_digit(i), i64::from))
            .collect();
        let digits = Tensor::from_slice(&digits).to_device(device);
        let images = sample(
            generator,
            hand.parameters,
            &latents,
            &digits,
            hand.range,
            hand.kind,
        )?;
        (rows, cols) = (images.rows(), images.cols());
        if first == 0 {
            pixels.reserve_exact(count as usize * rows * cols);
        }
        pixels.extend_from_slice(&images.pixels()[..kept as usize * rows * cols]);
        watch(first + kept);
    }
    Ok(Images::new(rows, cols, pixels)?)
}

/// The digit that forgery `index` is asked to be, unless all are to be one:
/// 0 to 9 in turn.
pub fn asked_digit(index: u64) -> i64 {
    (index % 10).cast_signed()
}
