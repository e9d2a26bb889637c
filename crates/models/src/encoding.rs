//! Network parameters in safetensors files: one f32 tensor per parameter, with its
//! name and shape.

use std::collections::HashMap;

use safetensors::tensor::{TensorView, serialize};
pub use safetensors::{Dtype, SafeTensorError, SafeTensors};
use tch::{Device, Kind, TchError, Tensor};

use crate::params::ParamLayout;

/// The name, shape and bytes of an f32 tensor.
pub type NamedTensor = (String, Vec<usize>, Vec<u8>);

/// Bytes or a buffer that do not hold the parameters of the network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The buffer has a wrong kind or shape.
    #[error("the parameter buffer is {kind:?} {shape:?}; this network needs Float [{expected}]")]
    Buffer {
        /// Kind of the buffer.
        kind: Kind,
        /// Shape of the buffer.
        shape: Vec<i64>,
        /// Number of values of the network's parameters.
        expected: i64,
    },
    /// The file is not in the safetensors format, or is incomplete.
    #[error("this is not a complete safetensors file: {0}")]
    Malformed(#[from] SafeTensorError),
    /// The file has more or fewer tensors than the network has parameters.
    #[error("the file has {found} tensors for this network; it needs {expected}")]
    Count {
        /// Tensors in the file.
        found: usize,
        /// Parameters of the network.
        expected: usize,
    },
    /// The file lacks a parameter.
    #[error("the file has no tensor {name}")]
    Missing {
        /// Name of the missing tensor.
        name: String,
    },
    /// A tensor has another type or shape than the parameter.
    #[error("tensor {name} is {dtype:?} {shape:?}; this network needs F32 {expected:?}")]
    Mismatch {
        /// Name of the tensor.
        name: String,
        /// Type in the file.
        dtype: Dtype,
        /// Shape in the file.
        shape: Vec<usize>,
        /// Shape of the parameter.
        expected: Vec<i64>,
    },
    /// libtorch reported an error.
    #[error("libtorch: {0}")]
    Torch(#[from] TchError),
}

/// Encodes `tensors` and the `metadata` as a safetensors file.
///
/// # Errors
/// If the bytes of a tensor do not fit its shape.
pub fn encode_tensors(
    tensors: &[NamedTensor],
    metadata: Option<HashMap<String, String>>,
) -> Result<Vec<u8>, SafeTensorError> {
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?)));
    serialize(views.collect::<Result<Vec<_>, SafeTensorError>>()?, metadata)
}

impl ParamLayout {
    /// Encodes `flat`, f32 `[numel]`, as a safetensors file.
    ///
    /// The same values give the same bytes.
    ///
    /// # Errors
    /// [`WeightsError::Buffer`] for another kind or shape; [`WeightsError::Torch`].
    pub fn to_safetensors(&self, flat: &Tensor) -> Result<Vec<u8>, WeightsError> {
        Ok(encode_tensors(&self.named_tensors("", flat)?, None)?)
    }

    /// The name, shape and bytes of each parameter in `flat`, f32 `[numel]`, for a
    /// safetensors file that holds several networks.
    ///
    /// Names start with `prefix`, such as `generator.`. The bytes are little-endian
    /// f32 in the row-major order of the shape, whatever the order in memory.
    ///
    /// # Errors
    /// [`WeightsError::Buffer`] for another kind or shape; [`WeightsError::Torch`].
    pub fn named_tensors(
        &self,
        prefix: &str,
        flat: &Tensor,
    ) -> Result<Vec<NamedTensor>, WeightsError> {
        self.check_buffer(flat)?;
        let weights = self.weights(&flat.to_device(Device::Cpu));
        let tensors = self.params().iter().zip(weights.tensors());
        tensors
            .map(|(param, tensor)| {
                let mut bytes = vec![0u8; tensor.numel() * size_of::<f32>()];
                tensor.contiguous().f_copy_data_u8(&mut bytes, tensor.numel())?;
                let shape = param.shape.iter().map(|&d| d as usize).collect();
                Ok((format!("{prefix}{}", param.name), shape, bytes))
            })
            .collect()
    }

    /// Decodes a safetensors file into a flat buffer, f32 `[numel]` on the CPU.
    ///
    /// # Errors
    /// [`WeightsError::Malformed`] if `bytes` are not a safetensors file; otherwise
    /// those of [`ParamLayout::read_tensors`].
    pub fn read_safetensors(&self, bytes: &[u8]) -> Result<Tensor, WeightsError> {
        self.read_tensors("", &SafeTensors::deserialize(bytes)?)
    }

    /// Reads the tensors whose names start with `prefix` into a flat buffer, f32
    /// `[numel]` on the CPU.
    ///
    /// # Errors
    /// [`WeightsError::Count`], [`WeightsError::Missing`] or
    /// [`WeightsError::Mismatch`] if these tensors are not exactly this layout's
    /// parameters; [`WeightsError::Torch`].
    pub fn read_tensors(&self, prefix: &str, file: &SafeTensors) -> Result<Tensor, WeightsError> {
        let names = file.names();
        let found = names.iter().filter(|name| name.starts_with(prefix)).count();
        let expected = self.params().len();
        if found != expected {
            return Err(WeightsError::Count { found, expected });
        }
        let flat = Tensor::zeros([self.numel()], (Kind::Float, Device::Cpu));
        let weights = self.weights(&flat);
        for (param, target) in self.params().iter().zip(weights.tensors()) {
            let name = format!("{prefix}{}", param.name);
            let Ok(view) = file.tensor(&name) else {
                return Err(WeightsError::Missing { name });
            };
            let same_shape = view
                .shape()
                .iter()
                .map(|&d| i64::try_from(d))
                .eq(param.shape.iter().map(|&d| Ok(d)));
            if view.dtype() != Dtype::F32 || !same_shape {
                return Err(WeightsError::Mismatch {
                    name,
                    dtype: view.dtype(),
                    shape: view.shape().to_vec(),
                    expected: param.shape.clone(),
                });
            }
            let values = Tensor::f_from_data_size(view.data(), &param.shape, Kind::Float)?;
            target.shallow_clone().copy_(&values);
        }
        Ok(flat)
    }

    /// Returns an error for a buffer other than f32 `[numel]`.
    pub(crate) fn check_buffer(&self, flat: &Tensor) -> Result<(), WeightsError> {
        let (kind, shape, expected) = (flat.kind(), flat.size(), self.numel());
        if kind != Kind::Float || shape != [expected] {
            return Err(WeightsError::Buffer { kind, shape, expected });
        }
        Ok(())
    }
}
