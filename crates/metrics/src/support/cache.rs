//! Statistics of a data set, cached on disk under its hashes.

use std::collections::HashMap;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use gan_models::classifier;
use mnist_io::{Dataset, read_regular, sha256_hex};
use run_dir::{INCEPTION_SHA256, write_atomic};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use tch::{Kind, Tensor};

use crate::{Error, Result};

/// Version of the cached files. A change of their content increases it; files of another
/// version are computed again.
const VERSION: &str = "4";

/// The metadata key of the SHA-256 of the bytes of all tensors, one after the other.
const CONTENT: &str = "sha256";

/// Maximum size of the header of a cached file.
const MAX_HEADER_BYTES: u64 = 64 * 1024;

/// A folder with statistics of one data set. Damaged files are reported, computed again and
/// replaced.
///
/// Each is a safetensors file. Its metadata hold the SHA-256 of the images, of the networks and
/// of the tensors in the file.
#[derive(Debug, Clone)]
pub struct Cache {
    dir: Option<PathBuf>,
    identity: HashMap<String, String>,
}

/// What a stored tensor must be.
#[derive(Debug)]
pub(crate) struct Part {
    name: &'static str,
    /// Float or Double.
    kind: Kind,
    shape: Vec<i64>,
}

impl Part {
    pub fn new<const N: usize>(name: &'static str, kind: Kind, shape: [i64; N]) -> Part {
        let shape = shape.to_vec();
        Part { name, kind, shape }
    }

    /// Bytes of the tensor.
    fn bytes(&self) -> u64 {
        self.shape.iter().product::<i64>() as u64 * self.kind.elt_size_in_bytes() as u64
    }
}

impl Cache {
    /// The statistics of `training` and `test` images, in a folder of their own under
    /// `root`. Without a `root` nothing is stored.
    pub fn new(root: Option<PathBuf>, training: &Dataset, test: &Dataset) -> Cache {
        let (training, test) = (training.images_sha256(), test.images_sha256());
        let both = sha256_hex(format!("{training} {test}").as_bytes());
        let identity = [
            ("version", VERSION),
            ("training", &training),
            ("test", &test),
            ("classifier", classifier::SHA256),
            ("inception", INCEPTION_SHA256),
        ];
        Cache {
            dir: root.map(|root| root.join(both)),
            identity: identity.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        }
    }

    /// The same for features of another classifier, whose weights have this SHA-256.
    pub(crate) fn with_classifier(mut self, sha256: &str) -> Cache {
        self.identity.insert("classifier".to_owned(), sha256.to_owned());
        self.dir = self.dir.map(|dir| {
            let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
            dir.with_file_name(format!("{name}-{sha256}"))
        });
        self
    }

    /// Whether there is a file for `name`. It may be invalid.
    pub(crate) fn holds(&self, name: &str) -> bool {
        self.path(name).is_some_and(|path| path.is_file())
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        let dir = self.dir.as_ref()?;
        Some(dir.join(format!("{name}.safetensors")))
    }

    /// Reads the tensors `parts` stored under `name`. Without a valid file, stores and
    /// returns those of `measure`.
    pub(crate) fn tensors<const N: usize>(
        &self,
        name: &str,
        parts: &[Part; N],
        measure: impl FnOnce() -> Result<[Tensor; N]>,
    ) -> Result<[Tensor; N]> {
        let Some(path) = self.path(name) else {
            return measure();
        };
        match read_regular(&path, MAX_HEADER_BYTES + parts.iter().map(Part::bytes).sum::<u64>()) {
            Ok(bytes) => match self.parse(&bytes, parts) {
                Ok(tensors) => return Ok(tensors),
                Err(reason) => tracing::warn!("{}: {reason}; computing it again", path.display()),
            },
            Err(e) if e.io_kind() == Some(ErrorKind::NotFound) => {}
            Err(e) => tracing::warn!("{e}; computing it again"),
        }
        let measured = measure()?;
        let bytes = self.encode(parts, &measured)?;
        // Without the file, the next evaluation takes as long. The result is the same.
        if let Err(error) = write_atomic(&path, |w| w.write_all(&bytes)) {
            tracing::warn!("{error}; the next evaluation computes this again");
        }
        Ok(measured)
    }

    fn parse<const N: usize>(
        &self,
        bytes: &[u8],
        parts: &[Part; N],
    ) -> std::result::Result<[Tensor; N], String> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
        let mut identity = header.metadata().clone().unwrap_or_default();
        let sha256 = identity.remove(CONTENT);
        if identity != self.identity {
            return Err("it belongs to other images or another version".to_owned());
        }
        let file = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
        let view = |part: &Part| file.tensor(part.name).map_err(|e| e.to_string());
        let views: std::result::Result<Vec<_>, _> = parts.iter().map(view).collect();
        let data: Vec<&[u8]> = views?.iter().map(TensorView::data).collect();
        if sha256 != Some(sha256_hex(&data.concat())) {
            return Err("it is damaged: its content has another SHA-256".to_owned());
        }
        let tensor = |part: &Part| {
            let view = view(part)?;
            let shape: Vec<i64> = view.shape().iter().map(|&d| d as i64).collect();
            if view.dtype() != dtype(part.kind) || shape != part.shape {
                return Err(format!("{} is {shape:?}, not {:?}", part.name, part.shape));
            }
            let tensor = Tensor::f_from_data_size(view.data(), &shape, part.kind);
            let tensor = tensor.map_err(|e| e.to_string())?;
            let finite = tensor.isfinite().all().int64_value(&[]) == 1;
            finite
                .then_some(tensor)
                .ok_or_else(|| format!("{} holds a number that is not finite", part.name))
        };
        let tensors: std::result::Result<Vec<Tensor>, String> = parts.iter().map(tensor).collect();
        tensors?.try_into().map_err(|_| "tensors are missing".to_owned())
    }

    fn encode(&self, parts: &[Part], tensors: &[Tensor]) -> Result<Vec<u8>> {
        let refused = |e: safetensors::SafeTensorError| Error::Cache(e.to_string());
        let mut data = Vec::new();
        for (part, tensor) in parts.iter().zip(tensors) {
            let mut bytes = vec![0; tensor.numel() * part.kind.elt_size_in_bytes()];
            tensor.contiguous().f_copy_data_u8(&mut bytes, tensor.numel())?;
            data.push(bytes);
        }
        let views = parts.iter().zip(&data).map(|(part, bytes)| {
            let shape = part.shape.iter().map(|&d| d as usize).collect();
            Ok((part.name, TensorView::new(dtype(part.kind), shape, bytes)?))
        });
        let views: std::result::Result<Vec<_>, _> = views.collect();
        let mut metadata = self.identity.clone();
        metadata.insert(CONTENT.to_owned(), sha256_hex(&data.concat()));
        serialize(views.map_err(refused)?, Some(metadata)).map_err(refused)
    }
}

fn dtype(kind: Kind) -> Dtype {
    match kind {
        Kind::Double => Dtype::F64,
        _ => Dtype::F32,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use mnist_io::Images;

    use super::*;

    fn images(pixel_value: u8) -> Dataset {
        Dataset::unlabeled(Images::new(2, 2, vec![pixel_value; 8]).unwrap())
    }

    fn part(numbers: i64) -> Part {
        Part::new("numbers", Kind::Double, [numbers])
    }

    fn measured(cache: &Cache, number: f64) -> f64 {
        let measure = || Ok([Tensor::from_slice(&[number])]);
        let [tensor] = cache.tensors("n", &[part(1)], measure).unwrap();
        tensor.double_value(&[0])
    }

    #[test]
    fn reads_a_stored_result_instead_of_measuring_again() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(dir.path().to_owned()), &images(1), &images(2));
        assert_eq!(measured(&cache, 1.0), 1.0);
        assert_eq!(measured(&cache, 2.0), 1.0);
        let nowhere = Cache::new(None, &images(1), &images(2));
        assert_eq!(measured(&nowhere, 1.0), 1.0);
        assert_eq!(measured(&nowhere, 2.0), 2.0);
    }

    #[test]
    fn replaces_invalid_files() {
        let dir = tempfile::tempdir().unwrap();
        let root = || Some(dir.path().to_owned());
        let cache = Cache::new(root(), &images(1), &images(2));
        let path = cache.dir.clone().unwrap().join("n.safetensors");
        measured(&cache, 1.0);
        let good = fs::read(&path).unwrap();
        // A file of other images with this name.
        let other = Cache::new(root(), &images(1), &images(3));
        measured(&other, 9.0);
        let foreign = fs::read(other.dir.unwrap().join("n.safetensors")).unwrap();
        // A wrong shape, and a NaN.
        let encode = |numbers: &[f64]| {
            let part = part(numbers.len() as i64);
            cache.encode(&[part], &[Tensor::from_slice(numbers)]).unwrap()
        };
        for bad in [
            foreign,
            encode(&[1.0, 1.0]),
            encode(&[f64::NAN]),
            good[..good.len() - 1].to_vec(),
            b"not safetensors".to_vec(),
            Vec::new(),
        ] {
            fs::write(&path, bad).unwrap();
            assert_eq!(measured(&cache, 5.0), 5.0);
            assert_eq!(measured(&cache, 6.0), 5.0);
        }
    }

    #[test]
    fn one_flipped_bit_is_computed_again_and_never_used() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(dir.path().to_owned()), &images(1), &images(2));
        let path = cache.dir.clone().unwrap().join("n.safetensors");
        measured(&cache, 1.0);
        let good = fs::read(&path).unwrap();
        let bits = 8 * good.len();
        // Positions in the whole file, and every bit of the number at its end.
        for bit in (0..bits).step_by(61).chain(bits - 64..bits) {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, bad).unwrap();
            assert_eq!(measured(&cache, 5.0), 5.0, "bit {bit}");
            assert_eq!(measured(&cache, 6.0), 5.0, "bit {bit}");
        }
    }

    /// Such a file must neither block the program nor fill its memory.
    #[test]
    fn replaces_what_is_not_a_regular_file_of_the_right_size() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(dir.path().to_owned()), &images(1), &images(2));
        let path = cache.dir.clone().unwrap().join("n.safetensors");
        measured(&cache, 1.0);
        File::options().write(true).open(&path).unwrap().set_len(1 << 33).unwrap();
        assert_eq!(measured(&cache, 2.0), 2.0);
        fs::remove_file(&path).unwrap();
        #[cfg(unix)]
        {
            let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
            assert!(made.success());
            assert_eq!(measured(&cache, 3.0), 3.0);
            assert_eq!(measured(&cache, 4.0), 3.0);
        }
    }

    #[test]
    fn measures_without_a_writable_folder() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, b"").unwrap();
        let cache = Cache::new(Some(file), &images(1), &images(2));
        assert_eq!(measured(&cache, 3.0), 3.0);
    }
}
