//! Distances between all rows of two sets, screened by blocked matrix products.
//!
//! ‖q − r‖² = ‖q‖² + ‖r‖² − 2 q·r turns all distances of a block into one matrix
//! product, which loses digits where rows are alike. A screen therefore comes
//! with a bound on its error, and whoever decides something by a distance
//! measures anew, by [`Rows::squared_distance`], where the bound leaves it open.

use std::ops::Range;
use std::sync::OnceLock;

use tch::{Kind, Tensor};

use crate::rows::{Prepared, Rows};

/// Queries in a block.
pub(crate) const QUERIES: usize = 512;
/// References in a block: with [`QUERIES`], 8 MiB of products in f32.
pub(crate) const REFERENCES: usize = 4096;

/// Distances that are compared with a limit at once.
const STRIDE: usize = 32;

/// Approximate squared distances between queries and references.
pub(crate) struct Screen {
    prepared: Prepared,
    largest_norm: f64,
    products: Vec<f32>,
}

impl Screen {
    /// Both sides must be of one width.
    pub(crate) fn new<R: Rows>(queries: &R, references: &R) -> Screen {
        let prepared = R::prepare(queries, references);
        let norms = prepared.references.squared_norms.iter().copied();
        Screen {
            largest_norm: norms.fold(0.0, f64::max).sqrt(),
            prepared,
            products: Vec::new(),
        }
    }

    /// For each of `queries` in turn, its index and its distances to
    /// `references`.
    pub(crate) fn block(
        &mut self,
        queries: Range<usize>,
        references: Range<usize>,
    ) -> impl Iterator<Item = (usize, Line<'_>)> {
        let product = self.prepared.products(queries.clone(), references.clone());
        self.products.resize(product.numel(), 0.0);
        let flat = product.contiguous().view([-1]);
        flat.copy_data(&mut self.products, product.numel());
        let twice = 2.0 * self.prepared.scale.powi(2);
        let query_norms = &self.prepared.queries.squared_norms[queries.clone()];
        let squared_norms = &self.prepared.references.squared_norms[references.clone()];
        let lines = self.products.chunks_exact(references.len());
        queries
            .zip(query_norms.iter().zip(lines))
            .map(move |(query, (&squared_norm, products))| {
                let line = Line {
                    first: references.start,
                    squared_norm,
                    squared_norms,
                    twice,
                    products,
                };
                (query, line)
            })
    }

    /// What an approximate squared distance of this query, or one measured
    /// anew, is off by at most.
    pub(crate) fn error(&self, query: usize) -> f64 {
        let margin = &self.prepared.margin;
        let q = self.prepared.queries.squared_norms[query].sqrt();
        let r = self.largest_norm;
        2.0 * margin.product * (q * r)
            + margin.sums * (q + r).powi(2)
            + margin.underflow * self.prepared.scale.powi(2)
    }
}

impl Prepared {
    /// Products of the rows as they are, f32 `[queries, references]`.
    pub(crate) fn products(&self, queries: Range<usize>, references: Range<usize>) -> Tensor {
        let some =
            |rows: &Tensor, at: Range<usize>| rows.narrow(0, at.start as i64, at.len() as i64);
        let queries = some(&self.queries.rows, queries);
        let references = some(&self.references.rows, references).tr();
        let products = match queries.kind() {
            Kind::Int8 => queries.internal_int_mm(&references),
            _ => queries.matmul(&references),
        };
        products.to_kind(Kind::Float)
    }
}

/// The approximate squared distances of one query to consecutive references.
pub(crate) struct Line<'a> {
    first: usize,
    squared_norm: f64,
    squared_norms: &'a [f64],
    twice: f64,
    products: &'a [f32],
}

impl Line<'_> {
    /// Shows each distance of at most `limit` with its reference's index, in
    /// order, to `take`, which answers with the limit from there on.
    pub(crate) fn each_within(&self, mut limit: f64, mut take: impl FnMut(usize, f64) -> f64) {
        let mut at = self.first;
        for (norms, products) in self.pieces() {
            let distances = || self.distances(norms, products);
            // Without a branch, so that processors compare many at once.
            if distances().fold(false, |any, squared| any | (squared <= limit)) {
                for (index, squared) in (at..).zip(distances()) {
                    if squared <= limit {
                        limit = take(index, squared);
                    }
                }
            }
            at += norms.len();
        }
    }

    /// Shows each distance of at most its reference's `limits` plus `slack`,
    /// with that reference's index, to `take`.
    pub(crate) fn each_within_own(
        &self,
        limits: &[f64],
        slack: f64,
        mut take: impl FnMut(usize, f64),
    ) {
        let mut at = self.first;
        for ((norms, products), limits) in self.pieces().zip(limits.chunks(STRIDE)) {
            let pairs = || self.distances(norms, products).zip(limits);
            if pairs().fold(false, |any, (squared, limit)| {
                any | (squared <= limit + slack)
            }) {
                for (index, (squared, limit)) in (at..).zip(pairs()) {
                    if squared <= limit + slack {
                        take(index, squared);
                    }
                }
            }
            at += norms.len();
        }
    }

    fn pieces(&self) -> impl Iterator<Item = (&[f64], &[f32])> {
        let norms = self.squared_norms.chunks(STRIDE);
        norms.zip(self.products.chunks(STRIDE))
    }

    fn distances(&self, norms: &[f64], products: &[f32]) -> impl Iterator<Item = f64> {
        let pairs = norms.iter().zip(products);
        pairs.map(|(norm, &dot)| self.squared_norm + norm - self.twice * f64::from(dot))
    }
}

/// Whether i8 matrices are multiplied fast here, and without loss.
///
/// Processors without an instruction for it add pairs of products in 16 bits,
/// which overflow; and libtorch may have been told to use such instructions.
pub(crate) fn bytes_multiply_exactly() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    #[cfg(target_arch = "x86_64")]
    let fast = std::arch::is_x86_feature_detected!("avx512vnni");
    #[cfg(not(target_arch = "x86_64"))]
    let fast = false;
    fast && *ANSWER.get_or_init(|| {
        const SIZE: i64 = 64;
        let extremes: Vec<i8> = (0..SIZE * SIZE)
            .map(|i| if (i / SIZE) & i > 0 { i8::MAX } else { i8::MIN })
            .collect();
        let bytes = Tensor::from_slice(&extremes).view([SIZE, SIZE]);
        let exact = bytes.to_kind(Kind::Double);
        bytes
            .f_internal_int_mm(&bytes.tr())
            .is_ok_and(|found| found.to_kind(Kind::Double) == exact.matmul(&exact.tr()))
    })
}

#[cfg(test)]
mod tests {
    use mnist_io::Images;
    use rand::{Rng, RngExt};
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::Features;

    fn images(side: usize, n: usize, mut pixel: impl FnMut(usize) -> u8) -> Images {
        let pixels = (0..n * side * side).map(&mut pixel).collect();
        Images::new(side, side, pixels).unwrap()
    }

    /// Checks every distance against the one that is measured anew, and gives
    /// the largest bound.
    fn largest_error<R: Rows>(queries: &R, references: &R) -> f64 {
        let mut screen = Screen::new(queries, references);
        let errors: Vec<f64> = (0..queries.count()).map(|q| screen.error(q)).collect();
        for (query, line) in screen.block(0..queries.count(), 0..references.count()) {
            let mut seen = 0;
            line.each_within(f64::INFINITY, |index, squared| {
                let exact = queries.squared_distance(query, references, index);
                let (off, error) = ((squared - exact).abs(), errors[query]);
                assert!(
                    off <= error,
                    "{query}, {index}: {squared}, {exact}, {error}"
                );
                seen += 1;
                f64::INFINITY
            });
            assert_eq!(seen, references.count());
        }
        errors.into_iter().fold(0.0, f64::max)
    }

    #[test]
    fn distances_of_pixels_are_whole_numbers_without_an_error() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for side in [1, 2, 8, 28, 32] {
            let any = images(side, 70, |_| random.random());
            let extreme = images(side, 70, |i| if i % 3 == 0 { 255 } else { 0 });
            let black = images(side, 2, |_| 0);
            for (a, b) in [(&any, &extreme), (&extreme, &black), (&black, &any)] {
                assert_eq!(largest_error(a, b), 0.0);
            }
        }
    }

    #[test]
    fn distances_of_many_pixels_are_off_by_no_more_than_the_bound() {
        let mut random = ChaCha8Rng::seed_from_u64(2);
        let any = images(50, 40, |_| random.random());
        let white = images(50, 40, |i| 255 - u8::from(i % 7 == 0));
        assert!(largest_error(&any, &white) > 0.0);
        largest_error(&white, &white);
    }

    /// Bytes are multiplied in whole numbers where the processor can; the other
    /// way must give the same.
    #[test]
    fn products_of_pixels_are_the_same_in_bytes_and_in_f32() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let rows = images(32, 50, |_| random.random());
        let mut prepared = Images::prepare(&rows, &rows);
        let first = prepared.products(0..50, 0..50);
        for side in [&mut prepared.queries, &mut prepared.references] {
            side.rows = side.rows.to_kind(Kind::Float);
        }
        assert_eq!(first, prepared.products(0..50, 0..50));
    }

    fn features(rows: usize, width: usize, mut value: impl FnMut(usize) -> f32) -> Features {
        Features::new(width, (0..rows * width).map(&mut value).collect()).unwrap()
    }

    #[test]
    fn distances_of_features_are_off_by_no_more_than_the_bound() {
        let random = &mut ChaCha8Rng::seed_from_u64(4);
        let mut any = |scale: f32, offset: f32| {
            features(60, 37, |_| offset + scale * random.random_range(-1.0..1.0))
        };
        let (near, far) = (any(1.0, 0.0), any(1.0, 1e6));
        let (tiny, huge) = (any(1e-30, 0.0), any(1e18, 0.0));
        let denormal = any(1e-44, 0.0);
        for a in [&near, &far, &tiny, &huge, &denormal] {
            for b in [&near, &far, &tiny, &huge, &denormal] {
                largest_error(a, b);
            }
        }
    }

    /// Rows of one point, and rows that differ by as little as f32 can tell.
    #[test]
    fn distances_of_rows_that_coincide_are_off_by_no_more_than_the_bound() {
        let random = &mut ChaCha8Rng::seed_from_u64(5);
        let one = features(40, 128, |i| (i % 128) as f32 * 1e3);
        let nearly = features(40, 128, |i| {
            let value = (i % 128) as f32 * 1e3;
            f32::from_bits(value.to_bits() + (random.next_u32() & 1))
        });
        for (a, b) in [(&one, &one), (&one, &nearly), (&nearly, &nearly)] {
            largest_error(a, b);
        }
    }
}
