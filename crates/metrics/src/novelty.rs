//! Tests whether fake images are copies of training images: the data-copying test C_T (Meehan,
//! Chaudhuri and Dasgupta 2020).

use run_dir::QualityRow;

use crate::metric::{Metric, Needs, Value};

#[cfg(feature = "libtorch")]
pub use computation::*;

pub(crate) const METRIC: Metric = Metric {
    names: &["novelty"],
    needs: Needs::Features,
    min_samples: 20,
    in_quality_curve: false,
    values: &[Value {
        name: "novelty",
        title: "novelty C_T",
        decimals: 2,
        explanation: "distance to training images compared with new digits; far below 0: copies",
    }],
    remark: Some(remark),
    #[cfg(feature = "libtorch")]
    measure,
};

fn remark(row: &QualityRow) -> Option<String> {
    let novelty = row.metrics.get("novelty")?;
    let (Some(mean), Some(std)) = (novelty.reference, novelty.error) else {
        return Some("too few samples for the null distribution".to_owned());
    };
    // Ten times what is expected of new digits.
    let copies = row.metrics.get("duplicates").is_some_and(|duplicates| {
        duplicates.value > 10.0 * duplicates.reference.unwrap_or_default().max(1.0)
    });
    let text = match (novelty.value - mean) / std {
        z if z < -5.0 => "closer to training images than new digits: copies, or common shapes only",
        _ if copies => {
            "not closer to training images than new digits on average, but many samples are \
             near-duplicates"
        }
        z if z > 5.0 => "farther from training images than new digits: no copies, but unusual ones",
        _ => "as far from training images as new digits",
    };
    Some(text.to_owned())
}

#[cfg(feature = "libtorch")]
mod computation {
    use std::collections::BTreeMap;

    use rand::seq::SliceRandom;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;
    use run_dir::Measurement;

    use crate::support::evaluation::{Evaluation, Measurements, measured};
    use crate::support::kmeans::Cells;
    use crate::support::neighbors::nearest_features;
    use crate::{Error, Fake, Features, Real, Result, Training};

    /// Settings of the test.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct NoveltyOptions {
        /// Number of cells of feature space, by k-means on the training images.
        pub cells: usize,
        /// Cells with fewer fake images than this are skipped.
        pub min_fake: usize,
        /// Number of draws for the null distribution.
        pub permutations: usize,
        /// Seed of k-means and of the null distribution.
        pub seed: u64,
    }

    /// 50 cells, at least 20 fake images in each, 1,000 draws.
    impl Default for NoveltyOptions {
        fn default() -> NoveltyOptions {
            NoveltyOptions { cells: 50, min_fake: 20, permutations: 1000, seed: 0 }
        }
    }

    /// The result of the test, with the scores of all cells that hold an image.
    #[derive(Debug, Clone, PartialEq)]
    pub struct Novelty {
        /// Far below 0: fake images lie closer to training images than new images do; they are
        /// copies. About 0: as far as the test images. Far above 0: farther than new images.
        pub c_t: f64,
        /// Its distribution by chance.
        pub null: NullDistribution,
        /// The score of each cell.
        pub cells: Vec<CellScore>,
    }

    /// The null distribution of C_T: fake and test images are mixed and split at random many
    /// times. Draws without a cell with enough fake images do not count. Without any draw, mean
    /// and standard deviation are NaN.
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub struct NullDistribution {
        /// The mean over the draws.
        pub mean: f64,
        /// The standard deviation over the draws (divided by their number).
        pub std: f64,
    }

    /// The score of a cell.
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub struct CellScore {
        /// The cell, counted from 0.
        pub cell: usize,
        /// Test images in the cell.
        pub test: usize,
        /// Fake images in the cell.
        pub fake: usize,
        /// Mann–Whitney Z of the distances of fake images against those of test images;
        /// `None` for a cell that is skipped.
        pub z: Option<f64>,
    }

    /// The cell of an image, and the distance to the nearest training image in it.
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub struct CellDistance {
        /// The cell, counted from 0.
        pub cell: usize,
        /// The Euclidean distance, in the units of the features.
        pub distance: f64,
    }

    /// Tests fake images `[m, d]` against the training images `[l, d]` of the generator and test
    /// images `[n, d]` that are new to it.
    ///
    /// # Errors
    /// [`Error::Width`]; [`Error::Cells`]; those of [`c_t`].
    pub fn novelty(
        test: Real<'_>,
        fake: Fake<'_>,
        training: Training<'_>,
        options: &NoveltyOptions,
    ) -> Result<Novelty> {
        let (Real(test), Fake(fake), Training(training)) = (test, fake, training);
        training.same_width(test)?;
        training.same_width(fake)?;
        let cells = Cells::fit(Training(training), options.cells, options.seed)?;
        let training_cells = cells.assign(training)?;
        let place =
            |images| distances_in_cells(images, &cells.assign(images)?, training, &training_cells);
        c_t(Real(&place(test)?), Fake(&place(fake)?), options)
    }

    /// The distance of each image to the nearest training image of its own cell, given the cells
    /// of both. By the published definition, nearer images of other cells do not count.
    ///
    /// # Errors
    /// [`Error::Width`]; [`Error::CellCount`] unless each row has a cell index;
    /// [`Error::EmptyCell`] if the cell of an image holds no training image.
    pub fn distances_in_cells(
        images: &Features,
        image_cells: &[usize],
        training: &Features,
        training_cells: &[usize],
    ) -> Result<Vec<CellDistance>> {
        training.same_width(images)?;
        for (rows, cells) in [(images, image_cells), (training, training_cells)] {
            if rows.len() != cells.len() {
                return Err(Error::CellCount { cells: cells.len(), images: rows.len() });
            }
        }
        let training_rows = rows_of_cells(training_cells.iter().copied());
        let mut placed = vec![None; images.len()];
        for (cell, rows) in rows_of_cells(image_cells.iter().copied()) {
            let nearby = training_rows.get(&cell).and_then(|near| training.select(near));
            let (Some(inside), Some(nearby)) = (images.select(&rows), nearby) else {
                return Err(Error::EmptyCell { cell });
            };
            for (row, neighbor) in rows.into_iter().zip(nearest_features(&inside, &nearby)?) {
                let distance = neighbor.distance;
                placed[row] = Some(CellDistance { cell, distance });
            }
        }
        Ok(placed.into_iter().flatten().collect())
    }

    /// C_T: the mean of the cells' Z, weighted by their share of the test images, and its null
    /// distribution.
    ///
    /// In a cell with n test images and m fake images, U counts the pairs in which the fake image
    /// lies farther from its nearest training image than the test image does; pairs at equal
    /// distances count half. Z = (U − nm/2 + ½) /
    /// √(nm (n + m + 1) / 12). The ½ and the square root without a correction for
    /// ties are those of the published code. Cells without test images or with too few fake images
    /// are skipped.
    ///
    /// # Errors
    /// [`Error::Distance`] for a distance that is negative or not finite;
    /// [`Error::NoCell`] if all cells are skipped.
    pub fn c_t(
        test: Real<'_, [CellDistance]>,
        fake: Fake<'_, [CellDistance]>,
        options: &NoveltyOptions,
    ) -> Result<Novelty> {
        let (Real(test), Fake(fake)) = (test, fake);
        for set in [test, fake] {
            let wrong = |p: &CellDistance| !(p.distance.is_finite() && p.distance >= 0.0);
            if let Some(row) = set.iter().position(wrong) {
                let value = set[row].distance;
                return Err(Error::Distance { row, value });
            }
        }
        let all = [test, fake].concat();
        let mut is_fake: Vec<bool> = (0..all.len()).map(|row| row >= test.len()).collect();
        let cells = rows_of_cells(all.iter().map(|image| image.cell));
        let ranked: Vec<(usize, Vec<(usize, f64)>)> =
            cells.into_iter().map(|(cell, rows)| (cell, ranks(&all, rows))).collect();
        let min_fake = options.min_fake.max(1);
        let cells: Vec<CellScore> =
            ranked.iter().map(|(cell, ranks)| score(*cell, ranks, &is_fake, min_fake)).collect();
        let found =
            weighted_mean(&cells).ok_or(Error::NoCell { cells: cells.len(), needed: min_fake })?;
        let mut random = ChaCha8Rng::seed_from_u64(options.seed);
        let draws: Vec<f64> = (0..options.permutations)
            .filter_map(|_| {
                is_fake.shuffle(&mut random);
                let scores =
                    ranked.iter().map(|(cell, ranks)| score(*cell, ranks, &is_fake, min_fake));
                weighted_mean(&scores.collect::<Vec<_>>())
            })
            .collect();
        Ok(Novelty { c_t: found, null: NullDistribution::new(&draws), cells })
    }

    impl NullDistribution {
        fn new(draws: &[f64]) -> NullDistribution {
            let n = draws.len() as f64;
            let mean = draws.iter().sum::<f64>() / n;
            let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / n;
            NullDistribution { mean, std: variance.sqrt() }
        }
    }

    /// The rows of each cell, in ascending order.
    fn rows_of_cells(cells: impl Iterator<Item = usize>) -> BTreeMap<usize, Vec<usize>> {
        let mut rows: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (row, cell) in cells.enumerate() {
            rows.entry(cell).or_default().push(row);
        }
        rows
    }

    /// Each row with the rank of its distance among all of `rows`, from 1; equal
    /// distances share the mean of their ranks.
    fn ranks(all: &[CellDistance], mut rows: Vec<usize>) -> Vec<(usize, f64)> {
        rows.sort_by(|&a, &b| all[a].distance.total_cmp(&all[b].distance));
        let mut ranked = Vec::with_capacity(rows.len());
        for equal in rows.chunk_by(|&a, &b| all[a].distance == all[b].distance) {
            let rank = ranked.len() as f64 + (equal.len() as f64 + 1.0) / 2.0;
            ranked.extend(equal.iter().map(|&row| (row, rank)));
        }
        ranked
    }

    fn score(cell: usize, ranks: &[(usize, f64)], is_fake: &[bool], min_fake: usize) -> CellScore {
        let mut fake = 0;
        let mut rank_sum = 0.0;
        for &(row, rank) in ranks {
            if is_fake[row] {
                fake += 1;
                rank_sum += rank;
            }
        }
        let test = ranks.len() - fake;
        let (n, m) = (test as f64, fake as f64);
        let u = rank_sum - m * (m + 1.0) / 2.0;
        let spread = (n * m * (n + m + 1.0) / 12.0).sqrt();
        let kept = fake >= min_fake && test > 0;
        CellScore { cell, test, fake, z: kept.then(|| (u - n * m / 2.0 + 0.5) / spread) }
    }

    /// `None` if all cells are skipped.
    fn weighted_mean(cells: &[CellScore]) -> Option<f64> {
        let kept = || cells.iter().filter_map(|cell| Some((cell.test as f64, cell.z?)));
        let weight: f64 = kept().map(|(test, _)| test).sum();
        let sum: f64 = kept().map(|(test, z)| test * z).sum();
        (weight > 0.0).then(|| sum / weight)
    }

    pub(crate) fn measure(evaluation: &Evaluation<'_>) -> Result<Measurements> {
        let reference = evaluation.reference;
        let test = &reference.classified_test()?.features;
        // Test images that are training images would make copies look new.
        let new = test.select(&reference.unseen_test_rows).ok_or(Error::NoImages)?;
        let training = Training(reference.training_features()?);
        let fake = Fake(&evaluation.classified()?.features);
        let found = novelty(Real(&new), fake, training, &NoveltyOptions::default())?;
        // NaN if no draw left a cell with enough samples.
        let finite = |value: f64| value.is_finite().then_some(value);
        let measurement = Measurement {
            error: finite(found.null.std),
            ..measured(found.c_t, finite(found.null.mean))
        };
        Ok(vec![("novelty", measurement)])
    }
}
