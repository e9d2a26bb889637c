//! The evaluations of a run in words and as a table.

use std::collections::BTreeMap;

use gan_metrics::{CLASS_SHARES, METRICS};
use run_dir::{Measurement, QualityRow};

use crate::number::{significant_digits, thousands};

/// The newest measurement of each metric.
pub struct Evaluation {
    /// By name.
    newest: BTreeMap<String, Measured>,
}

/// A measurement, its step and the number of samples.
pub struct Measured {
    pub measurement: Measurement,
    pub step: u64,
    pub samples: u64,
}

/// A headline number with its meaning.
pub struct Headline {
    pub title: &'static str,
    pub value: String,
    pub meaning: String,
}

/// A row of the table of metrics.
pub struct MetricRow {
    pub title: &'static str,
    pub value: String,
    pub reference: String,
    pub explanation: String,
}

/// Near-duplicates of training images.
pub struct NearDuplicates {
    pub count: String,
    /// The number of generated images.
    pub total: String,
    /// The number by chance among as many new digits.
    pub chance: String,
    pub sentence: String,
}

/// Says whether the generator copies training images, if `row` counts near-duplicates.
pub fn near_duplicates(row: &QualityRow) -> Option<String> {
    Some(Evaluation::new([row]).near_duplicates()?.sentence)
}

/// The share of one class.
pub struct ClassShare {
    pub class: usize,
    pub percent: String,
    /// The number of percent without decimals, for narrow screens.
    pub rounded: String,
    /// Height of its bar, 0 to 100, where twice an equal share fills it.
    pub height: String,
    pub top: String,
}

impl Evaluation {
    /// Of several rows of one metric, the one of the latest step counts, of these the one
    /// with most samples, and of these the last one.
    pub fn new<'a>(rows: impl IntoIterator<Item = &'a QualityRow>) -> Evaluation {
        let mut newest: BTreeMap<String, Measured> = BTreeMap::new();
        for &QualityRow { step, samples, ref metrics, .. } in rows {
            for (name, measurement) in metrics {
                let older = |found: &Measured| (found.step, found.samples) <= (step, samples);
                if newest.get(name).is_none_or(older) {
                    let measurement = measurement.clone();
                    newest.insert(name.clone(), Measured { measurement, step, samples });
                }
            }
        }
        Evaluation { newest }
    }

    /// The newest measurement of a metric.
    pub fn get(&self, name: &str) -> Option<&Measured> {
        self.newest.get(name)
    }

    /// FID, precision, recall and near-duplicates, if measured. The images are called `nouns`.
    pub fn headlines(&self, nouns: &str) -> Vec<Headline> {
        let mut headlines = Vec::new();
        if let Some(Measured { measurement: fid, .. }) = self.get("fid") {
            let reference = fid.reference.map_or(String::new(), |reference| {
                format!(
                    " Real {nouns}, compared in the same way, get {}.",
                    significant_digits(reference)
                )
            });
            headlines.push(Headline {
                title: "FID",
                value: significant_digits(fid.value),
                meaning: format!("The distance to real {nouns}: lower is better.{reference}"),
            });
        }
        let mut share = |name, title, meaning: &dyn Fn(String) -> String| {
            if let Some(found) = self.get(name) {
                let percent = format!("{:.0}", 100.0 * found.measurement.value);
                let value = format!("{percent}%");
                headlines.push(Headline { title, value, meaning: meaning(percent) });
            }
        };
        let far = self.precision_says_little();
        share("precision", "Precision", &|n| match far {
            true => {
                "Says little while FID is so high: noise can get a high precision too.".to_owned()
            }
            false => format!("Of 100 generated {nouns}, {n} look like real ones."),
        });
        share("recall", "Recall", &|n| {
            format!("Of 100 kinds of real {nouns}, the generator can make {n}.")
        });
        headlines.extend(self.near_duplicates().map(|found| Headline {
            title: "Near-duplicates",
            value: found.count,
            meaning: format!(
                "So many of {} generated images nearly equal a training image. Of new real images, \
                 about {} do.",
                found.total, found.chance
            ),
        }));
        headlines
    }

    /// Whether FID is so far above its reference value that precision has no meaning.
    fn precision_says_little(&self) -> bool {
        let remark = METRICS.iter().find(|m| m.name() == "precision").and_then(|m| m.remark);
        let found = self.get("precision");
        remark.zip(found).is_some_and(|(remark, found)| remark(&self.row(found)).is_some())
    }

    /// The near-duplicates of training images, if counted.
    pub fn near_duplicates(&self) -> Option<NearDuplicates> {
        let Measured { measurement: found, samples, .. } = self.get("duplicates")?;
        let whole = |number: f64| thousands(number.round().max(0.0) as u64);
        let expected = found.reference.unwrap_or_default();
        let (count, total, chance) = (whole(found.value), thousands(*samples), whole(expected));
        let conclusion = if found.value <= 2.0 * expected + 3.0 {
            "The generator does not copy."
        } else {
            "More than chance gives: the generator writes common shapes very often, or copies."
        };
        let sentence = format!(
            "Of {total} generated images, {count} are unusually close to a training image. Of {total} new \
             real images, about {chance} would be. {conclusion}"
        );
        Some(NearDuplicates { count, total, chance, sentence })
    }

    /// The share of each class, if measured.
    pub fn shares(&self) -> Vec<ClassShare> {
        let found = self.get("digits_kl");
        let shares = found.and_then(|found| found.measurement.details.get(CLASS_SHARES));
        let shares = shares.map(Vec::as_slice).unwrap_or_default();
        let classes = shares.len() as f64;
        shares
            .iter()
            .enumerate()
            .map(|(class, share)| {
                let height = (50.0 * classes * share).clamp(0.0, 100.0);
                ClassShare {
                    class,
                    percent: format!("{:.1}%", 100.0 * share),
                    rounded: format!("{:.0}", 100.0 * share),
                    height: format!("{height:.1}"),
                    top: format!("{:.1}", 100.0 - height),
                }
            })
            .collect()
    }

    /// Every measured value in the order of `evaluate`.
    pub fn table(&self) -> Vec<MetricRow> {
        let values = METRICS.iter().flat_map(|m| m.values.iter().map(move |value| (m, value)));
        values
            .filter_map(|(metric, value)| {
                let found = self.get(value.name)?;
                let digits = |number: f64| format!("{number:.*}", value.decimals);
                // The shares of the classes have their own table.
                let last = metric.values.last().is_some_and(|last| last.name == value.name);
                let remark = metric.remark.filter(|_| last && metric.name() != "modes");
                let remark = remark.and_then(|remark| remark(&self.row(found)));
                let remark = remark.map(|remark| format!("; {remark}"));
                Some(MetricRow {
                    title: value.title,
                    value: digits(found.measurement.value),
                    reference: found.measurement.reference.map_or("–".to_owned(), digits),
                    explanation: format!("{}{}", value.explanation, remark.unwrap_or_default()),
                })
            })
            .collect()
    }

    /// The values that were measured at the same step with as many samples.
    fn row(&self, &Measured { step, samples, .. }: &Measured) -> QualityRow {
        let same = self.newest.iter().filter(|(_, m)| (m.step, m.samples) == (step, samples));
        let metrics = same.map(|(name, m)| (name.clone(), m.measurement.clone())).collect();
        QualityRow { step, samples, metrics, ..QualityRow::default() }
    }
}
