//! The data of the page's script.

use gan_graph::Graph;
use mnist_io::Images;
use run_dir::{Logits, ReportData, RunConfig};
use serde::Serialize;

use super::network::{Network, Storage};
use super::pictures::sprite;
use crate::error::Result;

/// Images in each row of a sprite of the game.
const COLUMNS: usize = 10;
/// Bars of a histogram.
pub const BARS: usize = 40;

/// Everything that the script reads, as one JSON object.
#[derive(Serialize)]
pub struct ScriptData<'a> {
    pub name: &'a str,
    pub training: bool,
    /// When the page was written, in milliseconds since 1970; only during training.
    pub written: Option<u64>,
    pub frames: Option<Frames>,
    pub densities: Option<Densities>,
    pub histogram: Option<Histogram>,
    pub game: Option<GuessingGame>,
    pub networks: Option<Networks<'a>>,
}

/// Snapshots as sprites.
#[derive(Serialize)]
pub struct Frames {
    pub side: usize,
    pub columns: usize,
    pub count: usize,
    pub steps: Vec<u64>,
    pub sprites: Vec<String>,
}

/// Density rows as the charts draw them.
#[derive(Serialize)]
pub struct Densities {
    pub steps: Vec<u64>,
    /// The value function; numbers that are not finite become `null`.
    pub values: Vec<f64>,
    /// For each row the paths of both densities, of the optimal discriminator and of D.
    pub paths: Vec<Vec<String>>,
}

/// D's logits of real and generated images, sorted, and the range of the histogram.
#[derive(Serialize)]
pub struct Histogram {
    pub low: f64,
    pub high: f64,
    /// The logit that separates the two sets best.
    pub threshold: f64,
    pub real: Vec<f64>,
    pub fake: Vec<f64>,
}

impl Histogram {
    /// `None` without logits.
    pub fn new(logits: &Logits) -> Option<Histogram> {
        let sorted = |values: &[f64]| {
            let mut values = values.to_vec();
            values.sort_by(f64::total_cmp);
            values
        };
        let (real, fake) = (sorted(&logits.real), sorted(&logits.fake));
        // The range leaves out the lowest and the highest half percent.
        let at = |values: &[f64], share: f64| {
            let place = (values.len().saturating_sub(1)) as f64 * share;
            values.get(place.round() as usize).copied()
        };
        let low = at(&real, 0.005)?.min(at(&fake, 0.005)?);
        let high = at(&real, 0.995)?.max(at(&fake, 0.995)?);
        let margin = 0.05 * (high - low).max(1e-6);
        let threshold = threshold(&real, &fake);
        Some(Histogram { low: low - margin, high: high + margin, threshold, real, fake })
    }

    /// The share of `values` in each bar.
    pub fn bars(&self, values: &[f64]) -> Vec<f64> {
        let mut bars = vec![0.0; BARS];
        for value in values {
            let place = (value - self.low) / (self.high - self.low) * BARS as f64;
            let bar = (place.max(0.0) as usize).min(BARS - 1);
            bars[bar] += 1.0 / values.len() as f64;
        }
        bars
    }
}

/// The value between two neighbors in both sorted sets that puts most real values above
/// it and most fake ones below it.
fn threshold(real: &[f64], fake: &[f64]) -> f64 {
    let mut all: Vec<(f64, i64)> =
        real.iter().map(|v| (*v, -1)).chain(fake.iter().map(|v| (*v, 1))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut right, mut most, mut best) = (0, 0, all.first().map_or(0.0, |(v, _)| *v - 1.0));
    for (i, (value, gain)) in all.iter().enumerate() {
        right += gain;
        if right > most {
            let next = all.get(i + 1).map_or(*value + 1.0, |(next, _)| *next);
            (most, best) = (right, f64::midpoint(*value, next));
        }
    }
    best
}

/// The images of the game with D's logits.
#[derive(Serialize)]
pub struct GuessingGame {
    pub side: usize,
    pub columns: usize,
    pub real: String,
    pub fake: String,
    pub logits_real: Vec<f64>,
    pub logits_fake: Vec<f64>,
}

impl GuessingGame {
    /// `None` unless both rows have a logit for each image.
    pub fn new(rows: &[Images], data: &ReportData) -> Result<Option<GuessingGame>> {
        let [real, fake] = rows else { return Ok(None) };
        let Logits { real: logits_real, fake: logits_fake } = data.game.clone();
        if logits_real.len() != real.len() || logits_fake.len() != fake.len() {
            return Ok(None);
        }
        let (side, columns) = (real.rows(), COLUMNS);
        let (real, fake) = (sprite(real, columns)?, sprite(fake, columns)?);
        Ok(Some(GuessingGame { side, columns, real, fake, logits_real, logits_fake }))
    }
}

/// Both networks, with what the page must know to use them.
#[derive(Serialize)]
pub struct Networks<'a> {
    generator: Network<'a>,
    discriminator: Network<'a>,
    /// The distribution of the latents, as the file of the generator describes it.
    latent: serde_json::Value,
    /// The pixel values of black and white.
    range: [f64; 2],
    side: usize,
    /// The classes of conditional networks.
    classes: Vec<u8>,
    /// Whether the classes are digits.
    digits: bool,
    precision: Storage,
}

impl<'a> Networks<'a> {
    /// `None` if the metadata lacks the latents or the pixel range.
    pub fn new(
        generator: &'a Graph,
        discriminator: &'a Graph,
        storage: Storage,
        config: &RunConfig,
    ) -> Option<Self> {
        let latent: serde_json::Value = serde_json::from_str(generator.metadata("latent")?).ok()?;
        let (low, high) = generator.metadata("pixel_range")?.split_once(',')?;
        let shape = &generator.outputs.first()?.shape;
        let side = match shape.last()? {
            gan_graph::Dim::Size(side) => *side,
            gan_graph::Dim::Batch => return None,
        };
        Some(Networks {
            generator: Network::new(generator, storage),
            discriminator: Network::new(discriminator, storage),
            latent,
            range: [low.trim().parse().ok()?, high.trim().parse().ok()?],
            side,
            classes: match generator.inputs.iter().any(|input| input.name == "label") {
                true => config.conditional_classes().as_slice().to_vec(),
                false => Vec::new(),
            },
            digits: config.shows_digits(),
            precision: storage,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_separates_the_sets_best() {
        assert_eq!(threshold(&[2.0, 3.0, 4.0], &[-1.0, 0.0, 1.0]), 1.5);
        assert_eq!(threshold(&[0.0, 3.0, 4.0], &[-1.0, 1.0, 2.0]), 2.5);
        let swapped = threshold(&[0.0], &[1.0]);
        assert!(swapped < 0.0, "{swapped}");
    }

    #[test]
    fn bars_hold_all_values_and_outliers_are_in_the_last() {
        let real = (0..1000).map(|i| f64::from(i) / 100.0).collect();
        let logits = Logits { real, fake: vec![-1e9, 5.0] };
        let histogram = Histogram::new(&logits).unwrap();
        let bars = histogram.bars(&histogram.real);
        assert!((bars.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(Histogram::new(&Logits::default()).is_none());
    }
}
