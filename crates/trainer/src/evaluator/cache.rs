//! What was once measured of a data set, kept on the disk under its hashes.

use std::collections::HashMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use gan_models::classifier;
use mnist_io::{Images, sha256_hex};
use run_dir::{INCEPTION_SHA256, write_atomic};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use tch::{Kind, Tensor};

use crate::Error;

/// Counts the changes of what is stored under a name. Files of another number
/// are measured anew.
const VERSION: &str = "1";

/// A folder of measurements of one data set; files that do not fit, whatever is
/// wrong with them, are measured anew and replaced.
///
/// Each is a safetensors file that names, beside its numbers, the SHA-256 of
/// the images that they were measured on and of the networks that measured them.
#[derive(Debug, Clone)]
pub struct Cache {
    dir: Option<PathBuf>,
    identity: HashMap<String, String>,
}

/// What a stored tensor must be.
#[derive(Debug)]
pub(super) struct Part {
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
}

impl Cache {
    /// The measurements of `training` and `test` images in a folder of their
    /// own under `root`; nothing is stored where there is no `root`.
    pub fn new(root: Option<PathBuf>, training: &Images, test: &Images) -> Cache {
        let (training, test) = (training.idx_sha256(), test.idx_sha256());
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

    /// Whether something is stored under `name`; it may not fit.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.path(name).is_some_and(|path| path.is_file())
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        let dir = self.dir.as_ref()?;
        Some(dir.join(format!("{name}.safetensors")))
    }

    /// The tensors `parts` stored under `name`, or what `measure` gives, which
    /// is stored then.
    pub(super) fn tensors<const N: usize>(
        &self,
        name: &str,
        parts: &[Part; N],
        measure: impl FnOnce() -> Result<[Tensor; N], Error>,
    ) -> Result<[Tensor; N], Error> {
        let Some(path) = self.path(name) else {
            return measure();
        };
        match fs::read(&path) {
            Ok(bytes) => match self.parse(&bytes, parts) {
                Ok(tensors) => return Ok(tensors),
                Err(reason) => tracing::warn!("{}: {reason}; measuring anew", path.display()),
            },
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => tracing::warn!("cannot read {}: {e}", path.display()),
        }
        let measured = measure()?;
        let bytes = self.encode(parts, &measured)?;
        // A folder that cannot be written costs time, not the measurement.
        if let Err(error) = write_atomic(&path, |w| w.write_all(&bytes)) {
            tracing::warn!("{error}; the next measurement takes as long");
        }
        Ok(measured)
    }

    fn parse<const N: usize>(
        &self,
        bytes: &[u8],
        parts: &[Part; N],
    ) -> Result<[Tensor; N], String> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
        if header.metadata().as_ref() != Some(&self.identity) {
            return Err("measured on other images, or by another version".to_owned());
        }
        let file = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
        let tensor = |part: &Part| {
            let view = file.tensor(part.name).map_err(|e| e.to_string())?;
            let shape: Vec<i64> = view.shape().iter().map(|&d| d as i64).collect();
            if view.dtype() != dtype(part.kind) || shape != part.shape {
                return Err(format!("{} is {shape:?}, not {:?}", part.name, part.shape));
            }
            let tensor = Tensor::f_from_data_size(view.data(), &shape, part.kind);
            let tensor = tensor.map_err(|e| e.to_string())?;
            let finite = tensor.isfinite().all().int64_value(&[]) == 1;
            finite
                .then_some(tensor)
                .ok_or_else(|| format!("{} holds what is no number", part.name))
        };
        let tensors: Vec<Tensor> = parts.iter().map(tensor).collect::<Result<_, _>>()?;
        tensors
            .try_into()
            .map_err(|_| "parts are missing".to_owned())
    }

    fn encode(&self, parts: &[Part], tensors: &[Tensor]) -> Result<Vec<u8>, Error> {
        let refused = |e: safetensors::SafeTensorError| Error::Encode(e.to_string());
        let mut data = Vec::new();
        for tensor in tensors {
            let width = if tensor.kind() == Kind::Double { 8 } else { 4 };
            let mut bytes = vec![0; tensor.numel() * width];
            tensor
                .contiguous()
                .f_copy_data_u8(&mut bytes, tensor.numel())?;
            data.push(bytes);
        }
        let views = parts.iter().zip(&data).map(|(part, bytes)| {
            let shape = part.shape.iter().map(|&d| d as usize).collect();
            Ok((part.name, TensorView::new(dtype(part.kind), shape, bytes)?))
        });
        let views: Vec<_> = views.collect::<Result<_, _>>().map_err(refused)?;
        serialize(views, Some(self.identity.clone())).map_err(refused)
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
    use super::*;

    fn images(ink: u8) -> Images {
        Images::new(2, 2, vec![ink; 8]).unwrap()
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
    fn what_was_measured_is_not_measured_again() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(dir.path().to_owned()), &images(1), &images(2));
        assert_eq!(measured(&cache, 1.0), 1.0);
        assert_eq!(measured(&cache, 2.0), 1.0);
        let nowhere = Cache::new(None, &images(1), &images(2));
        assert_eq!(measured(&nowhere, 1.0), 1.0);
        assert_eq!(measured(&nowhere, 2.0), 2.0);
    }

    #[test]
    fn files_that_do_not_fit_are_measured_anew() {
        let dir = tempfile::tempdir().unwrap();
        let root = || Some(dir.path().to_owned());
        let cache = Cache::new(root(), &images(1), &images(2));
        let path = cache.dir.clone().unwrap().join("n.safetensors");
        measured(&cache, 1.0);
        let good = fs::read(&path).unwrap();
        // The file of other images under this one's name.
        let other = Cache::new(root(), &images(1), &images(3));
        measured(&other, 9.0);
        let foreign = fs::read(other.dir.unwrap().join("n.safetensors")).unwrap();
        // Another number of numbers, and one that is none.
        let encode = |numbers: &[f64]| {
            let part = part(numbers.len() as i64);
            cache
                .encode(&[part], &[Tensor::from_slice(numbers)])
                .unwrap()
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
    fn a_folder_that_cannot_be_made_does_not_cost_the_measurement() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, b"").unwrap();
        let cache = Cache::new(Some(file), &images(1), &images(2));
        assert_eq!(measured(&cache, 3.0), 3.0);
    }
}
