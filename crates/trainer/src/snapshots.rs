//! What a run shows of its generator: snapshots of fixed latents as it trains,
//! and a last look from all sides at its end.

use gan_metrics::neighbors::nearest;
use gan_models::Mode;
use mnist_io::{Dataset, Images};
use run_dir::{DensityRow, RunDir};
use tch::{Device, Kind, Tensor, no_grad};

use crate::Error;
use crate::data::{GAUSSIAN, gaussian, resized};
use crate::forging::asked_digit;
use crate::game::{Game, forgeries, sample};
use crate::plan::{Exhibits, Plan};
use crate::seeds::{Stream, seed_torch};

/// Images in a snapshot.
pub const SNAPSHOT_IMAGES: usize = 64;
/// Rows of `latent_walk.png`, each from one latent to another.
const WALKS: i64 = 8;
/// Forgeries in each, both ends included.
const WALK_POINTS: i64 = 10;
/// Latents that are shown as every digit.
const DIGIT_LATENTS: i64 = 8;
/// Draws that densities and the value of the game are estimated from.
const DRAWS: i64 = 20_000;
/// Numbers on the axis that densities and D's decision are given at.
const AXIS: (f64, f64, i64) = (-8.0, 8.0, 201);

/// The fixed latents that every snapshot shows, and their digits.
#[derive(Debug)]
pub struct Studio {
    seed: u64,
    /// Whether forgeries are single numbers, not images.
    numbers: bool,
    latents: Tensor,
    /// i64 `[n]`.
    digits: Tensor,
}

impl Studio {
    /// Latents that are a function of the plan's seed, and the digits of what they are
    /// shown beside.
    pub fn new(game: &Game, plan: &Plan, exhibits: Option<&Exhibits>) -> Studio {
        seed_torch(plan.seed, Stream::Snapshot, 0);
        let count = SNAPSHOT_IMAGES as i64;
        let labels = exhibits.map_or(&[][..], |exhibits| exhibits.shown.labels());
        let digits: Vec<i64> = labels
            .iter()
            .map(|&label| i64::from(label))
            .cycle()
            .take(SNAPSHOT_IMAGES)
            .collect();
        Studio {
            seed: plan.seed,
            numbers: plan.settings.network.draws_originals(),
            latents: game.generator.latent().sample(count, game.device),
            digits: Tensor::from_slice(&digits).to_device(game.device),
        }
    }

    /// Leaves in `run` what `game` shows after `step` steps: the fixed latents
    /// seen through G, or, where forgeries are numbers, both densities and D's
    /// decision.
    ///
    /// # Errors
    /// Where the run cannot be written or the device not be read.
    pub fn snap(&self, game: &Game, run: &RunDir, step: u64) -> Result<(), Error> {
        if self.numbers {
            run.append_density(&self.densities(game, step)?)?;
        } else {
            run.write_samples(step, &look(game, &self.latents, &self.digits)?)?;
        }
        Ok(())
    }

    /// Leaves in `run` a last look: of the first `pool` training images the one
    /// nearest to each forgery of the last snapshot, walks between latents, and each digit from the
    /// same latents where G is told digits.
    ///
    /// # Errors
    /// As [`Studio::snap`].
    pub fn close(
        &self,
        game: &Game,
        run: &RunDir,
        training: &Dataset,
        pool: u64,
    ) -> Result<(), Error> {
        if self.numbers {
            return Ok(());
        }
        let forgeries = look(game, &self.latents, &self.digits)?;
        let seen: Vec<usize> = (0..training.len().min(pool as usize)).collect();
        let training = training.images().select(&seen).ok_or(Error::NoImages)?;
        let training = resized(&training, forgeries.rows())?;
        let indices: Vec<usize> = nearest(&forgeries, &training)?
            .iter()
            .map(|found| found.index)
            .collect();
        if let Some(images) = training.select(&indices) {
            run.write_nearest(&images)?;
        }
        run.write_walk(&self.walks(game)?)?;
        if game.generator.conditional() {
            run.write_digits(&self.every_digit(game)?)?;
        }
        Ok(())
    }

    /// Forgeries along straight lines between latents, a walk each.
    fn walks(&self, game: &Game) -> Result<Vec<Images>, Error> {
        seed_torch(self.seed, Stream::Walk, 0);
        let latent = game.generator.latent();
        let (from, to) = latent.interpolation_endpoints(WALKS, game.device);
        let share = Tensor::linspace(0.0, 1.0, WALK_POINTS, (Kind::Float, game.device));
        let latents = from
            .unsqueeze(1)
            .lerp_tensor(&to.unsqueeze(1), &share.view([1, -1, 1]));
        // One digit for each walk.
        let digits =
            digits_in_turn(WALKS, game.device).repeat_interleave_self_int(WALK_POINTS, None, None);
        rows(
            &look(game, &latents.view([-1, latent.size()]), &digits)?,
            WALK_POINTS as usize,
        )
    }

    /// Each latent as the digits 0 to 9.
    fn every_digit(&self, game: &Game) -> Result<Vec<Images>, Error> {
        seed_torch(self.seed, Stream::Digits, 0);
        let latents = game.generator.latent().sample(DIGIT_LATENTS, game.device);
        let latents = latents.repeat_interleave_self_int(10, Some(0), None);
        rows(
            &look(
                game,
                &latents,
                &digits_in_turn(10 * DIGIT_LATENTS, game.device),
            )?,
            10,
        )
    }

    fn densities(&self, game: &Game, step: u64) -> Result<DensityRow, Error> {
        let (low, high, points) = AXIS;
        seed_torch(self.seed, Stream::Densities, 0);
        let originals = gaussian(DRAWS);
        let latents = game.generator.latent().sample(DRAWS, game.device);
        let (forgeries, decision, value) = no_grad(|| {
            let no_digits = Tensor::zeros([DRAWS], (Kind::Int64, game.device));
            let forgeries = forgeries(
                game.generator.as_ref(),
                game.sampling_parameters(),
                &latents,
                &no_digits,
                game.kind,
                Mode::Sample,
            );
            let weights = game.frozen_discriminator();
            let logits = |x: &Tensor| {
                let x = x.view([-1, 1, 1, 1]).to_device(game.device);
                game.discriminator
                    .forward(&weights, &x, None, Mode::Sample)
                    .to_kind(Kind::Double)
            };
            let axis = Tensor::linspace(low, high, points, (Kind::Float, game.device));
            // E log D(x) + E log(1 − D(G(z))).
            let value = logits(&originals).log_sigmoid().mean(Kind::Double)
                + (-logits(&forgeries)).log_sigmoid().mean(Kind::Double);
            (forgeries, logits(&axis).sigmoid(), value)
        });
        Ok(DensityRow {
            step,
            low,
            high,
            originals: (0..points).map(|i| gaussian_density(at(i))).collect(),
            forgeries: histogram(&Vec::<f64>::try_from(
                forgeries.to_kind(Kind::Double).view([-1]),
            )?),
            decision: Vec::<f64>::try_from(decision)?,
            value: value.double_value(&[]),
        })
    }
}

/// What `n` forgeries are asked to be, i64 `[n]`.
fn digits_in_turn(n: i64, device: Device) -> Tensor {
    let digits: Vec<i64> = (0..n.unsigned_abs()).map(asked_digit).collect();
    Tensor::from_slice(&digits).to_device(device)
}

/// `latents` through the parameters that samples come from.
fn look(game: &Game, latents: &Tensor, digits: &Tensor) -> Result<Images, Error> {
    sample(
        game.generator.as_ref(),
        game.sampling_parameters(),
        latents,
        digits,
        game.range,
        game.kind,
    )
}

/// Images in rows of `columns`.
fn rows(images: &Images, columns: usize) -> Result<Vec<Images>, Error> {
    let (rows, cols) = (images.rows(), images.cols());
    images
        .pixels()
        .chunks(columns * rows * cols)
        .map(|row| Ok(Images::new(rows, cols, row.to_vec())?))
        .collect()
}

/// The `i`-th number of the axis.
fn at(i: i64) -> f64 {
    let (low, high, points) = AXIS;
    low + (high - low) * i as f64 / (points - 1) as f64
}

/// The density of originals at `x`, 0 where no draw ever falls.
fn gaussian_density(x: f64) -> f64 {
    let (mean, std) = GAUSSIAN;
    let z = (x - mean) / std;
    if z.abs() > 6.0 {
        return 0.0;
    }
    (-0.5 * z * z).exp() / (std * (2.0 * std::f64::consts::PI).sqrt())
}

/// The share of `numbers` nearest to each number of the axis, per unit of
/// length.
fn histogram(numbers: &[f64]) -> Vec<f64> {
    let (low, high, points) = AXIS;
    let width = (high - low) / (points - 1) as f64;
    let one = 1.0 / (numbers.len().max(1) as f64 * width);
    let mut density = vec![0.0; points as usize];
    for number in numbers {
        let bin = ((number - low) / width).round();
        if bin >= 0.0
            && let Some(bin) = density.get_mut(bin as usize)
        {
            *bin += one;
        }
    }
    density
}
