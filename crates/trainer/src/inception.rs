//! Features of InceptionV3, the network of the published FID.
//!
//! Preprocessing is that of the original program, as torch-fidelity does it too:
//! grey in three channels, bilinear to 299×299 with TensorFlow 1's sampling
//! points (pixel i of the result lies at i · rows / 299), (x − 128) / 128.
//! pytorch-fid samples half a pixel aside and takes 2x/255 − 1; numbers differ
//! in the second digit after the point.

use std::fs;
use std::path::Path;

use gan_metrics::Features;
use mnist_io::{Images, sha256_hex};
use run_dir::INCEPTION_SHA256;
use tch::{CModule, Kind, TchError, Tensor, no_grad};

/// Rows and columns that the network takes.
const SIDE: usize = 299;

/// Images at a time.
const BATCH: usize = 32;

/// Why the network cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InceptionError {
    /// Its file cannot be read.
    #[error("cannot read {path}: {reason}")]
    Read {
        /// The file.
        path: String,
        /// The operating system's reason.
        reason: std::io::Error,
    },
    /// Its file is another.
    #[error(
        "{path} is not the network that published numbers come from: its SHA-256 is {found}, not {INCEPTION_SHA256}"
    )]
    Hash {
        /// The file.
        path: String,
        /// SHA-256 of what is there.
        found: String,
    },
    /// Its answer has another shape.
    #[error("the network answers with {found:?}, not with {wanted:?}")]
    Shape {
        /// The shape that came.
        found: Vec<i64>,
        /// The shape that should have come.
        wanted: Vec<i64>,
    },
    /// Its answer cannot be measured.
    #[error(transparent)]
    Features(#[from] gan_metrics::Error),
    /// libtorch refused.
    #[error("libtorch: {0}")]
    Torch(#[from] TchError),
}

/// The network, ready to look at images.
#[derive(Debug)]
pub struct Inception(CModule);

impl Inception {
    /// Features of an image.
    pub const FEATURES: i64 = 2048;

    /// Loads the network from the file `path`, whose hash is checked first: a
    /// TorchScript module is a program.
    ///
    /// # Errors
    /// A file that cannot be read or is another.
    pub fn load(path: &Path) -> Result<Inception, InceptionError> {
        let name = || path.display().to_string();
        let bytes = fs::read(path).map_err(|reason| InceptionError::Read {
            path: name(),
            reason,
        })?;
        let found = sha256_hex(&bytes);
        if found != INCEPTION_SHA256 {
            return Err(InceptionError::Hash {
                path: name(),
                found,
            });
        }
        let mut module = CModule::load_data(&mut bytes.as_slice())?;
        module.f_set_eval()?;
        Ok(Inception(module))
    }

    /// Features `[n, 2048]` of grey images of any size. `watch` is told how
    /// many are done, and of how many.
    ///
    /// # Errors
    /// An answer of another shape, or one that cannot be measured.
    pub fn features(
        &self,
        images: &Images,
        watch: &mut dyn FnMut(usize, usize),
    ) -> Result<Features, InceptionError> {
        let mut values = Vec::with_capacity(images.len() * Inception::FEATURES as usize);
        let size = images.rows() * images.cols();
        for (batch, pixels) in images.pixels().chunks(BATCH * size).enumerate() {
            watch(batch * BATCH, images.len());
            let shape = [-1, images.rows() as i64, images.cols() as i64];
            let input = prepared(&Tensor::from_slice(pixels).view(shape));
            let features = no_grad(|| self.0.forward_ts(&[&input]))?;
            let (found, wanted) = (features.size(), vec![input.size()[0], Inception::FEATURES]);
            if found != wanted {
                return Err(InceptionError::Shape { found, wanted });
            }
            let flat = features.to_kind(Kind::Float).contiguous().view([-1]);
            values.extend(Vec::<f32>::try_from(flat)?);
        }
        watch(images.len(), images.len());
        Ok(Features::new(Inception::FEATURES as usize, values)?)
    }
}

/// u8 `[n, rows, cols]` as the network takes it: f32 `[n, 3, 299, 299]` in
/// \[−1, 1), channels-last in memory, which oneDNN computes with in less time.
fn prepared(images: &Tensor) -> Tensor {
    let size = images.size();
    let weights = |axis: usize| interpolation(size[axis] as usize);
    // Rows, then columns, of [n, rows, cols].
    let large = weights(1)
        .matmul(&images.to_kind(Kind::Float))
        .matmul(&weights(2).tr());
    let side = SIDE as i64;
    let images = ((large - 128.0) / 128.0)
        .unsqueeze(3)
        .expand([-1, side, side, 3], false);
    images.contiguous().permute([0, 3, 1, 2])
}

/// `[299, n]`: each row the weights of `n` pixels in one pixel of the result.
fn interpolation(n: usize) -> Tensor {
    let mut weights = vec![0f32; SIDE * n];
    for (row, i) in weights.chunks_exact_mut(n).zip(0..SIDE) {
        // Exact: i · n / 299 in whole pixels and a rest.
        let (low, rest) = (i * n / SIDE, i * n % SIDE);
        let share = rest as f32 / SIDE as f32;
        row[low] += 1.0 - share;
        row[(low + 1).min(n - 1)] += share;
    }
    Tensor::from_slice(&weights).view([SIDE as i64, n as i64])
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    /// Pixel by pixel, as TensorFlow 1's resize_bilinear says it.
    fn naive(image: &[u8], rows: usize, cols: usize, y: usize, x: usize) -> f64 {
        let at = |size: usize, i: usize| {
            let place = i as f64 * size as f64 / 299.0;
            let low = place.floor() as usize;
            (low, (low + 1).min(size - 1), place - place.floor())
        };
        let ((top, bottom, down), (left, right, along)) = (at(rows, y), at(cols, x));
        let pixel = |y: usize, x: usize| f64::from(image[y * cols + x]);
        let line = |y: usize| pixel(y, left) + (pixel(y, right) - pixel(y, left)) * along;
        let value = line(top) + (line(bottom) - line(top)) * down;
        (value - 128.0) / 128.0
    }

    #[test]
    fn images_are_prepared_as_the_published_program_does() {
        let (rows, cols) = (28, 20);
        let pixels: Vec<u8> = (0..2 * rows * cols).map(|i| (i * 97 % 256) as u8).collect();
        let images = Tensor::from_slice(&pixels).view([2, rows as i64, cols as i64]);
        let prepared = prepared(&images);
        assert_eq!(prepared.size(), [2, 3, 299, 299]);
        let second = &pixels[rows * cols..];
        for (y, x) in [(0, 0), (1, 7), (150, 149), (297, 3), (298, 298), (289, 290)] {
            let wanted = naive(second, rows, cols, y, x);
            for channel in 0..3 {
                let found = prepared.double_value(&[1, channel, y as i64, x as i64]);
                assert!((found - wanted).abs() < 1e-5, "{y} {x}: {found}, {wanted}");
            }
        }
        let white = Tensor::full([1, 28, 28], 255, (Kind::Uint8, Device::Cpu));
        let brightest = super::prepared(&white).max().double_value(&[]);
        assert!((brightest - 127.0 / 128.0).abs() < 1e-6, "{brightest}");
    }

    #[test]
    fn another_file_is_refused_by_its_hash() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("network.pt");
        fs::write(&path, b"a program of somebody else").unwrap();
        let refused = Inception::load(&path).unwrap_err();
        assert!(matches!(refused, InceptionError::Hash { .. }), "{refused}");
        fs::remove_file(&path).unwrap();
        let refused = Inception::load(&path).unwrap_err();
        assert!(matches!(refused, InceptionError::Read { .. }), "{refused}");
    }
}
