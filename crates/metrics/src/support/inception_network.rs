//! Features of InceptionV3, the network of the published FID.
//!
//! Images are prepared as in the original program and in torch-fidelity: gray in three
//! channels, bilinear to 299×299 with TensorFlow 1's sampling points (pixel i of the result
//! lies at i · rows / 299), (x − 128) / 128. pytorch-fid samples half a pixel aside and
//! computes 2x/255 − 1, which changes FID in the second decimal.

use std::path::Path;

use mnist_io::{Images, read_regular, sha256_hex};
use run_dir::INCEPTION_SHA256;
use tch::{CModule, Kind, Tensor, no_grad};

use crate::{Error, Features, Result};

/// Rows and columns of the network's input.
const SIDE: usize = 299;

/// Images at a time.
const BATCH: usize = 32;

/// Maximum size of the file of the network.
const MAX_NETWORK_BYTES: u64 = 1 << 28;

/// InceptionV3 with its weights.
#[derive(Debug)]
pub struct Inception(CModule);

impl Inception {
    /// Number of features of an image.
    pub const FEATURES: i64 = 2048;

    /// Loads the network from the file `path`. The hash is checked first, because a
    /// TorchScript module is a program.
    ///
    /// # Errors
    /// [`Error::InceptionFile`] if the file cannot be read; [`Error::InceptionHash`] for
    /// another file; [`Error::Torch`].
    pub fn load(path: &Path) -> Result<Inception> {
        let bytes = read_regular(path, MAX_NETWORK_BYTES).map_err(Error::InceptionFile)?;
        let found = sha256_hex(&bytes);
        if found != INCEPTION_SHA256 {
            return Err(Error::InceptionHash { path: path.to_owned(), found });
        }
        let mut module = CModule::load_data(&mut bytes.as_slice())?;
        module.f_set_eval()?;
        Ok(Inception(module))
    }

    /// Features `[n, 2048]` of gray images of any size. `progress` is called with the
    /// number of images done and the number of all.
    ///
    /// # Errors
    /// [`Error::InceptionShape`]; those of [`Features::new`]; [`Error::Torch`].
    pub fn features(
        &self,
        images: &Images,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Features> {
        let mut values = Vec::with_capacity(images.len() * Inception::FEATURES as usize);
        let size = images.rows() * images.cols();
        for (batch, pixels) in images.pixels().chunks(BATCH * size).enumerate() {
            progress(batch * BATCH, images.len());
            let shape = [-1, images.rows() as i64, images.cols() as i64];
            let input = prepared(&Tensor::from_slice(pixels).view(shape));
            let features = no_grad(|| self.0.forward_ts(&[&input]))?;
            let (found, expected) = (features.size(), [input.size()[0], Inception::FEATURES]);
            if found != expected {
                return Err(Error::InceptionShape { found, expected });
            }
            let flat = features.to_kind(Kind::Float).contiguous().view([-1]);
            values.extend(Vec::<f32>::try_from(flat)?);
        }
        progress(images.len(), images.len());
        Features::new(Inception::FEATURES as usize, values)
    }
}

/// The network's input from u8 `[n, rows, cols]`: f32 `[n, 3, 299, 299]` in \[−1, 1),
/// channels-last in memory, which is faster in oneDNN.
fn prepared(images: &Tensor) -> Tensor {
    let size = images.size();
    let weights = |axis: usize| interpolation(size[axis] as usize);
    // Rows, then columns, of [n, rows, cols].
    let large = weights(1).matmul(&images.to_kind(Kind::Float)).matmul(&weights(2).tr());
    let side = SIDE as i64;
    let images = ((large - 128.0) / 128.0).unsqueeze(3).expand([-1, side, side, 3], false);
    images.contiguous().permute([0, 3, 1, 2])
}

/// `[299, n]`: each row holds the weights of `n` pixels in one pixel of the result.
fn interpolation(n: usize) -> Tensor {
    let mut weights = vec![0f32; SIDE * n];
    for (row, i) in weights.chunks_exact_mut(n).zip(0..SIDE) {
        let (low, rest) = (i * n / SIDE, i * n % SIDE);
        let share = rest as f32 / SIDE as f32;
        row[low] += 1.0 - share;
        row[(low + 1).min(n - 1)] += share;
    }
    Tensor::from_slice(&weights).view([SIDE as i64, n as i64])
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tch::Device;

    use super::*;

    /// Pixel by pixel, as TensorFlow 1's resize_bilinear defines it.
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
    fn prepares_images_as_the_published_program() {
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
    fn rejects_another_file_by_its_hash() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("network.pt");
        fs::write(&path, b"another file").unwrap();
        let refused = Inception::load(&path).unwrap_err();
        assert!(matches!(refused, Error::InceptionHash { .. }), "{refused}");
        // Sparse: it takes no space.
        fs::File::create(&path).unwrap().set_len(100_000_000_000).unwrap();
        let refused = Inception::load(&path).unwrap_err();
        assert!(matches!(refused, Error::InceptionFile(_)), "{refused}");
        fs::remove_file(&path).unwrap();
        let refused = Inception::load(&path).unwrap_err();
        assert!(matches!(refused, Error::InceptionFile(_)), "{refused}");
    }
}
