//! Warnings at the end of a run: a discriminator that always wins, large losses, and mode
//! collapse.

use gan_config::{Classes, LossInfo};
use gan_metrics::{CLASS_SHARES, TEST_CLASS_SHARES};
use gan_viz::thousands;
use run_dir::{MetricsRow, QualityRow, Result, RunDir};

/// Minimum number of rows for a warning.
const MIN_ROWS: usize = 5;
/// Below this recall the images show hardly any of the variety of the real ones. Real images
/// reach 0.88 on MNIST, and the presets 0.27 to 0.8.
const LOW_RECALL: f64 = 0.05;
/// A class is lost if the samples show it less often than this share of its frequency in the
/// test images.
const LOST: f64 = 0.1;
/// Samples of a class that must be expected before it can be lost.
const MIN_EXPECTED: f64 = 20.0;

/// Losses above this come from rates that are too high, except for `wasserstein`, whose
/// logits may drift.
const LARGE_LOSS: f64 = 100.0;

/// The warnings about the whole of `run`.
///
/// # Errors
/// Those of reading its configuration and its rows.
pub fn of_run(run: &RunDir) -> Result<Vec<String>> {
    let loss = LossInfo::find(&run.config()?.settings.loss);
    let unbounded_logits = loss.is_none_or(|loss| loss.needs_lipschitz_constraint);
    Ok(warnings(&run.metrics()?, &run.quality()?, unbounded_logits))
}

/// The warnings about rows, oldest first. With `unbounded_logits`, losses may be large.
fn warnings(metrics: &[MetricsRow], quality: &[QualityRow], unbounded_logits: bool) -> Vec<String> {
    let large = || if unbounded_logits { None } else { large_losses(metrics) };
    let losses = dominance(metrics).or_else(large);
    losses.into_iter().chain(quality.last().and_then(collapse)).collect()
}

/// Whether D was right on nearly all images in nine of ten rows of the second half.
fn dominance(rows: &[MetricsRow]) -> Option<String> {
    let half = &rows[rows.len() / 2..];
    let won = half.iter().filter(|row| row.discriminator_dominates()).count();
    let last = rows.last()?;
    (half.len() >= MIN_ROWS && won * 10 >= half.len() * 9).then(|| {
        format!(
            "D was right on nearly all images in {won} of the last {} rows, and G's loss is {:.3} \
             at the end, so G learned little; try a lower lr_d, as in --set lr_d=1e-4, or \
             --set spectral_norm=true",
            half.len(),
            last.loss_g
        )
    })
}

/// Whether a loss was large in most rows of the second half.
fn large_losses(rows: &[MetricsRow]) -> Option<String> {
    let half = &rows[rows.len() / 2..];
    let large = half.iter().filter(|row| row.loss_g.abs().max(row.loss_d.abs()) > LARGE_LOSS);
    let (count, last) = (large.count(), rows.last()?);
    (half.len() >= MIN_ROWS && count * 2 > half.len()).then(|| {
        format!(
            "a loss was above {LARGE_LOSS} in {count} of the last {} rows, and at the end D's is \
             {:.3} and G's {:.3}, so the networks learned little; try lower rates, as in \
             --set lr_d=1e-4 --set lr_g=1e-4",
            half.len(),
            last.loss_d,
            last.loss_g
        )
    })
}

/// Whether an evaluation shows lost classes or a recall near zero: which, and what to try.
pub fn collapse(row: &QualityRow) -> Option<String> {
    let mut found = Vec::new();
    let lost = lost_classes(row);
    if !lost.is_empty() {
        let class = if lost.len() == 1 { "class" } else { "classes" };
        found.push(format!("the images hardly ever show the {class} {lost}"));
    }
    let reference = row.reference("recall").unwrap_or(1.0);
    if let Some(recall) = row.value("recall").filter(|r| *r < LOW_RECALL && reference > 0.5) {
        found.push(format!(
            "recall is {:.1}%: the images show hardly any of the variety of the real ones",
            recall * 100.0
        ));
    }
    (!found.is_empty()).then(|| {
        format!(
            "step {}: {}; G has collapsed, or has not learned yet: try more steps, a lower lr_g, or \
             --preset modern, whose penalties r1 and r2 prevent it",
            thousands(row.step),
            found.join(", and ")
        )
    })
}

/// The classes of the test images that the samples hardly ever show.
fn lost_classes(row: &QualityRow) -> Classes {
    let shares = |name: &str| {
        let details = row.metrics.get("digits_kl").and_then(|found| found.details.get(name));
        details.map(Vec::as_slice).unwrap_or_default()
    };
    let pairs = shares(CLASS_SHARES).iter().zip(shares(TEST_CLASS_SHARES));
    let lost = |(found, test): (&f64, &f64)| {
        test * row.samples as f64 >= MIN_EXPECTED && *found < LOST * test
    };
    (0..=u8::MAX).zip(pairs).filter(|(_, pair)| lost(*pair)).map(|(class, _)| class).collect()
}

#[cfg(test)]
mod tests {
    use run_dir::Measurement;

    use super::*;

    fn row(d_real: f64, d_fake: f64) -> MetricsRow {
        MetricsRow {
            step: 1,
            images_seen: 1,
            seconds: 0.0,
            loss_d: 0.0,
            loss_g: 187_000.0,
            d_real,
            d_fake,
            lr_d: 1.0,
            lr_g: 1.0,
        }
    }

    #[test]
    fn a_short_run_in_which_d_always_wins_has_a_warning() {
        let start = vec![row(0.6, 0.4); 10];
        let won = [start.clone(), vec![row(1.0, 0.0); 40]].concat();
        for free in [false, true] {
            let found = warnings(&won, &[], free);
            assert_eq!(found.len(), 1);
            assert!(found[0].contains("187000.000") && found[0].contains("lr_d"), "{found:?}");
        }
        let recovered = [vec![row(1.0, 0.0); 25], vec![row(0.9, 0.1); 25]].concat();
        for rows in [&start[..], &won[..12], &recovered, &won[40..44], &[]] {
            assert!(warnings(rows, &[], true).is_empty(), "{} rows", rows.len());
        }
    }

    #[test]
    fn large_losses_have_a_warning_unless_the_loss_is_a_difference_of_free_logits() {
        let rows = vec![row(0.5, 0.5); 20];
        let found = warnings(&rows, &[], false);
        assert!(found.len() == 1 && found[0].contains("lr_g=1e-4"), "{found:?}");
        assert!(warnings(&rows, &[], true).is_empty());
        let calm = MetricsRow { loss_g: 20.0, ..row(0.5, 0.5) };
        let once = [vec![calm; 19], vec![row(0.5, 0.5)]].concat();
        assert!(warnings(&once, &[], false).is_empty());
    }

    fn quality(recall: f64, shares: [f64; 10]) -> QualityRow {
        let measured = |value, details| Measurement {
            value,
            reference: Some(0.88),
            details,
            ..Measurement::default()
        };
        let details =
            [("shares".to_owned(), shares.to_vec()), ("test_shares".to_owned(), vec![0.1; 10])];
        let metrics = [
            ("recall".to_owned(), measured(recall, Default::default())),
            ("digits_kl".to_owned(), measured(0.0, details.into())),
        ];
        QualityRow { step: 6400, samples: 2500, metrics: metrics.into(), ..QualityRow::default() }
    }

    #[test]
    fn lost_classes_and_a_recall_near_zero_are_named_with_what_to_try() {
        let even = [0.1; 10];
        assert_eq!(collapse(&quality(0.3, even)), None);
        let mut without = [0.12; 10];
        (without[1], without[4]) = (0.0, 0.004);
        let found = collapse(&quality(0.3, without)).unwrap();
        assert!(found.contains("the classes 1,4;") && !found.contains("recall"), "{found}");
        assert!(found.contains("lr_g") && found.contains("step 6,400"), "{found}");
        let found = collapse(&quality(0.01, even)).unwrap();
        assert!(found.contains("recall is 1.0%") && !found.contains("class"), "{found}");
        let found = warnings(&[], &[quality(0.01, even), quality(0.5, even)], true);
        assert!(found.is_empty(), "an old row: {found:?}");
    }

    #[test]
    fn a_class_that_the_data_lack_is_not_lost() {
        let mut row = quality(0.5, [0.0; 10]);
        let digits = row.metrics.get_mut("digits_kl").unwrap();
        let one = |share| (0..10).map(|d| if d == 3 { share } else { 0.0 }).collect();
        digits.details.insert("shares".to_owned(), one(1.0));
        digits.details.insert("test_shares".to_owned(), one(1.0));
        assert_eq!(collapse(&row), None);
        row.metrics.remove("digits_kl");
        assert_eq!(collapse(&row), None);
    }
}
