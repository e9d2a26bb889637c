//! Squared distances between all rows of two sets, by blocked matrix products.
//!
//! ‖q − r‖² = ‖q‖² + ‖r‖² − 2 q·r. Products of features are computed in f32 and come with a
//! bound on their error; products of pixels are exact.

use std::ops::{Range, RangeInclusive};
use std::sync::OnceLock;

use tch::{Kind, Tensor};

use super::features::blocks;
use super::rows::{EXACT_PIXELS, Rows, squared_distance};

/// Queries in a block: with 60,000 references, 123 MB of distances.
pub(crate) const QUERIES: usize = 256;
/// References multiplied at once.
const REFERENCES: usize = 4096;

/// Images of this many pixels are multiplied as bytes if the processor can. libtorch 2.13
/// multiplies rows of one byte wrongly, and short rows gain nothing.
const INT8_PIXELS: RangeInclusive<usize> = 64..=EXACT_PIXELS;

/// Two sets of rows, ready for products.
pub(crate) struct Distances<'a> {
    pub(crate) queries: Rows<'a>,
    pub(crate) references: Rows<'a>,
    query_norms: Vec<f64>,
    reference_norms: Vec<f64>,
    largest_norm: f64,
    /// Both sets divided by `scale`, a power of 2, so that f32 holds the products.
    query_tensor: Tensor,
    reference_tensor: Tensor,
    scale: f64,
}

impl<'a> Distances<'a> {
    /// Both sets must have the same width, and be both images or both features. Products that f32
    /// would round are computed in `kind`, Float or Double.
    pub(crate) fn new(
        queries: impl Into<Rows<'a>>,
        references: impl Into<Rows<'a>>,
        kind: Kind,
    ) -> Distances<'a> {
        let (queries, references) = (queries.into(), references.into());
        let largest = queries.largest().max(references.largest());
        let (kind, scale) = match kind {
            _ if queries.exact
                && INT8_PIXELS.contains(&queries.width)
                && int8_matmul_is_exact() =>
            {
                (Kind::Int8, 1.0)
            }
            _ if queries.exact => (Kind::Float, 1.0),
            Kind::Float => (kind, largest.max(f32::MIN_POSITIVE).log2().ceil().exp2()),
            kind => (kind, 1.0),
        };
        let scale = f64::from(scale);
        let reference_norms = references.squared_norms();
        Distances {
            query_norms: queries.squared_norms(),
            largest_norm: reference_norms.iter().copied().fold(0.0, f64::max).sqrt(),
            reference_norms,
            query_tensor: queries.tensor(kind, scale),
            reference_tensor: references.tensor(kind, scale),
            scale,
            queries,
            references,
        }
    }

    /// Calls `visit` for each query in turn, with its squared distances to all references.
    /// Each is off by at most [`error_bound`](Distances::error_bound).
    pub(crate) fn for_each_query(&self, mut visit: impl FnMut(usize, &mut [f64])) {
        let n = self.references.len();
        let twice = 2.0 * self.scale.powi(2);
        let mut products = vec![0f32; QUERIES * REFERENCES];
        let mut distances = vec![0.0; QUERIES.min(self.queries.len()) * n];
        for queries in blocks(self.queries.len(), QUERIES) {
            for references in blocks(n, REFERENCES) {
                let block = self.products(queries.clone(), references.clone());
                let block = block.to_kind(Kind::Float);
                block.copy_data(&mut products, block.numel());
                let norms = &self.reference_norms[references.clone()];
                let lines = products.chunks_exact(references.len());
                for ((query, line), row) in queries.clone().zip(lines).zip(0..) {
                    let norm = self.query_norms[query];
                    let squared = &mut distances[row * n..][references.clone()];
                    for ((squared, r), &product) in squared.iter_mut().zip(norms).zip(line) {
                        *squared = norm + r - twice * f64::from(product);
                    }
                }
            }
            let lines = distances.chunks_exact_mut(n.max(1));
            queries.zip(lines).for_each(|(query, line)| visit(query, line));
        }
    }

    /// Squared distances of some queries to all references, f64 `[queries, references]`.
    pub(crate) fn block(&self, queries: Range<usize>) -> Tensor {
        let norms = Tensor::from_slice(&self.query_norms[queries.clone()]).unsqueeze(1);
        let products = self.products(queries, 0..self.references.len());
        let twice = 2.0 * self.scale.powi(2);
        let mut squared = products.to_kind(Kind::Double) * -twice;
        squared += norms;
        squared += Tensor::from_slice(&self.reference_norms);
        squared
    }

    fn products(&self, queries: Range<usize>, references: Range<usize>) -> Tensor {
        let rows = |t: &Tensor, at: Range<usize>| t.narrow(0, at.start as i64, at.len() as i64);
        let queries = rows(&self.query_tensor, queries);
        let references = rows(&self.reference_tensor, references).tr();
        match queries.kind() {
            Kind::Int8 => queries.internal_int_mm(&references),
            _ => queries.matmul(&references),
        }
    }

    /// The largest error of a distance of this query that comes from products in f32 or from
    /// [`exact_squared_distance`](Distances::exact_squared_distance). It is 0 for exact products.
    ///
    /// A sum of n products in f32, in any order, is off by at most n ε ‖q‖ ‖r‖ for
    /// n ε ≤ 1 (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1).
    /// Then come sums in f64, and numbers too small for f32.
    pub(crate) fn error_bound(&self, query: usize) -> f64 {
        if self.queries.exact {
            return 0.0;
        }
        let n = self.queries.width as f64;
        let (q, r) = (self.query_norms[query].sqrt(), self.largest_norm);
        let underflow = 8.0 * (n + 1.0) * f64::from(f32::MIN_POSITIVE) * self.scale.powi(2);
        2.0 * n * f64::from(f32::EPSILON) * (q * r)
            + (n + 8.0) * f64::EPSILON * (q + r).powi(2)
            + underflow
    }

    /// The squared distance as a sum of squared differences. Exchanging both rows gives the
    /// same to the last bit.
    pub(crate) fn exact_squared_distance(&self, query: usize, reference: usize) -> f64 {
        squared_distance(self.queries.row(query), self.references.row(reference))
    }
}

/// Whether libtorch multiplies i8 matrices fast and without overflow here.
///
/// Processors without VNNI add pairs of products in 16 bits, which overflow. The product of
/// extreme values also finds a libtorch that is configured to use such instructions.
fn int8_matmul_is_exact() -> bool {
    static EXACT: OnceLock<bool> = OnceLock::new();
    #[cfg(target_arch = "x86_64")]
    let fast = std::arch::is_x86_feature_detected!("avx512vnni");
    #[cfg(not(target_arch = "x86_64"))]
    let fast = false;
    fast && *EXACT.get_or_init(|| {
        const SIZE: i64 = 64;
        let extremes: Vec<i8> =
            (0..SIZE * SIZE).map(|i| if (i / SIZE) & i > 0 { i8::MAX } else { i8::MIN }).collect();
        let bytes = Tensor::from_slice(&extremes).view([SIZE, SIZE]);
        let exact = bytes.to_kind(Kind::Double);
        bytes
            .f_internal_int_mm(&bytes.tr())
            .is_ok_and(|found| found.to_kind(Kind::Double) == exact.matmul(&exact.tr()))
    })
}

#[cfg(test)]
mod tests {
    use rand::{Rng, RngExt};
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use mnist_io::Images;

    use super::*;
    use crate::Features;

    fn images(side: usize, n: usize, mut pixel: impl FnMut(usize) -> u8) -> Images {
        let pixels = (0..n * side * side).map(&mut pixel).collect();
        Images::new(side, side, pixels).unwrap()
    }

    /// Checks every distance against a sum of squared differences, and returns the largest
    /// error bound.
    fn largest_error_bound<'a, T>(queries: &'a T, references: &'a T) -> f64
    where
        &'a T: Into<Rows<'a>>,
    {
        let distances = Distances::new(queries, references, Kind::Float);
        let mut largest = 0f64;
        distances.for_each_query(|query, line| {
            let bound = distances.error_bound(query);
            assert_eq!(line.len(), distances.references.len());
            for (index, squared) in line.iter().enumerate() {
                let exact = distances.exact_squared_distance(query, index);
                let error = (squared - exact).abs();
                assert!(error <= bound, "{query}, {index}: {squared}, {exact}, {bound}");
            }
            largest = largest.max(bound);
        });
        largest
    }

    #[test]
    fn squared_distances_of_pixels_are_exact_whole_numbers() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for side in [1, 2, 8, 28, 32] {
            let any = images(side, 70, |_| random.random());
            let extreme = images(side, 70, |i| if i % 3 == 0 { 255 } else { 0 });
            let white = images(side, 40, |i| 255 - u8::from(i % 7 == 0));
            let black = images(side, 2, |_| 0);
            for a in [&any, &extreme, &white, &black] {
                for b in [&any, &extreme, &white, &black] {
                    assert_eq!(largest_error_bound(a, b), 0.0);
                }
            }
        }
    }

    #[test]
    fn errors_of_large_images_stay_within_the_error_bound() {
        let mut random = ChaCha8Rng::seed_from_u64(2);
        let any = images(50, 40, |_| random.random());
        let white = images(50, 40, |i| 255 - u8::from(i % 7 == 0));
        assert!(largest_error_bound(&any, &white) > 0.0);
        largest_error_bound(&white, &white);
    }

    /// Without AVX-512 VNNI, images are multiplied in f32.
    #[test]
    fn products_of_pixels_are_equal_in_bytes_and_in_f32() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let rows = images(32, 50, |_| random.random());
        let mut distances = Distances::new(&rows, &rows, Kind::Float);
        let first = distances.products(0..50, 0..50).to_kind(Kind::Float);
        for tensor in [&mut distances.query_tensor, &mut distances.reference_tensor] {
            *tensor = tensor.to_kind(Kind::Float);
        }
        assert_eq!(first, distances.products(0..50, 0..50));
    }

    fn features(rows: usize, width: usize, mut value: impl FnMut(usize) -> f32) -> Features {
        Features::new(width, (0..rows * width).map(&mut value).collect()).unwrap()
    }

    #[test]
    fn errors_of_feature_distances_stay_within_the_error_bound() {
        let random = &mut ChaCha8Rng::seed_from_u64(4);
        let mut any = |scale: f32, offset: f32| {
            features(60, 37, |_| offset + scale * random.random_range(-1.0..1.0))
        };
        let (near, far) = (any(1.0, 0.0), any(1.0, 1e6));
        let (tiny, huge) = (any(1e-30, 0.0), any(1e18, 0.0));
        let denormal = any(1e-44, 0.0);
        for a in [&near, &far, &tiny, &huge, &denormal] {
            for b in [&near, &far, &tiny, &huge, &denormal] {
                largest_error_bound(a, b);
            }
        }
    }

    /// Equal rows, and rows that differ in the last bit of f32.
    #[test]
    fn errors_of_distances_near_zero_stay_within_the_error_bound() {
        let random = &mut ChaCha8Rng::seed_from_u64(5);
        let one = features(40, 128, |i| (i % 128) as f32 * 1e3);
        let nearly = features(40, 128, |i| {
            let value = (i % 128) as f32 * 1e3;
            f32::from_bits(value.to_bits() + (random.next_u32() & 1))
        });
        for (a, b) in [(&one, &one), (&one, &nearly), (&nearly, &nearly)] {
            largest_error_bound(a, b);
        }
    }
}
