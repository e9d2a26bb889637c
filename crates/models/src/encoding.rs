//! A network's parameters as the bytes of a safetensors file and back: one f32
//! tensor for each declared parameter, under its name and in its shape.

use std::collections::HashMap;

use safetensors::tensor::{SafeTensors, TensorView, serialize};
pub use safetensors::{Dtype, SafeTensorError};
use tch::{Device, Kind, TchError, Tensor};

use crate::params::Layout;

/// Why bytes are not the parameters of a network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// A buffer that does not hold the network's parameters.
    #[error("the network's parameters are Float [{wanted}], not {kind:?} {shape:?}")]
    Buffer {
        /// What the numbers are.
        kind: Kind,
        /// The buffer's shape.
        shape: Vec<i64>,
        /// How many values the parameters have together.
        wanted: i64,
    },
    /// Not a safetensors file, or not a whole one.
    #[error("not a whole safetensors file: {0}")]
    Malformed(#[from] SafeTensorError),
    /// More or fewer tensors than the network has parameters.
    #[error("it holds {found} tensors, the network has {wanted}")]
    Count {
        /// Tensors in the file.
        found: usize,
        /// Parameters of the network.
        wanted: usize,
    },
    /// A parameter that is not there.
    #[error("it lacks the tensor {name}")]
    Missing {
        /// The parameter.
        name: String,
    },
    /// A tensor of another type than f32, or another shape than the parameter.
    #[error("{name} is {dtype:?} {shape:?}, the network wants F32 {wanted:?}")]
    Mismatch {
        /// The parameter.
        name: String,
        /// The file's type.
        dtype: Dtype,
        /// The file's shape.
        shape: Vec<usize>,
        /// The parameter's shape.
        wanted: Vec<i64>,
    },
    /// libtorch refused.
    #[error("libtorch: {0}")]
    Torch(#[from] TchError),
}

impl Layout {
    /// `flat`, f32 `[numel]`, as the bytes of a safetensors file.
    ///
    /// Values stand in the order of each parameter's shape, whatever their order
    /// in memory. The same values give the same bytes.
    ///
    /// # Errors
    /// [`WeightsError::Buffer`] for another buffer; [`WeightsError::Torch`].
    pub fn to_safetensors(&self, flat: &Tensor) -> Result<Vec<u8>, WeightsError> {
        self.check_buffer(flat)?;
        let weights = self.weights(&flat.to_device(Device::Cpu));
        let mut data = Vec::new();
        for tensor in weights.tensors() {
            let mut bytes = vec![0u8; tensor.numel() * size_of::<f32>()];
            tensor
                .contiguous()
                .f_copy_data_u8(&mut bytes, tensor.numel())?;
            data.push(bytes);
        }
        let mut views = Vec::new();
        for (param, bytes) in self.params().iter().zip(&data) {
            let shape = param.shape.iter().map(|&d| d as usize).collect();
            let view = TensorView::new(Dtype::F32, shape, bytes)?;
            views.push((param.name.as_str(), view));
        }
        Ok(serialize(views, None::<HashMap<String, String>>)?)
    }

    /// Refuses a buffer other than f32 `[numel]`.
    pub(crate) fn check_buffer(&self, flat: &Tensor) -> Result<(), WeightsError> {
        let (kind, shape, wanted) = (flat.kind(), flat.size(), self.numel());
        if kind != Kind::Float || shape != [wanted] {
            return Err(WeightsError::Buffer {
                kind,
                shape,
                wanted,
            });
        }
        Ok(())
    }

    /// The flat buffer, f32 `[numel]` on the CPU, that a safetensors file of
    /// these `bytes` holds.
    ///
    /// # Errors
    /// A [`WeightsError`] for bytes that are no safetensors file, or hold other
    /// tensors, shapes or types than this layout declares.
    pub fn read_safetensors(&self, bytes: &[u8]) -> Result<Tensor, WeightsError> {
        let file = SafeTensors::deserialize(bytes)?;
        let flat = Tensor::zeros([self.numel()], (Kind::Float, Device::Cpu));
        let weights = self.weights(&flat);
        if file.len() != self.params().len() {
            return Err(WeightsError::Count {
                found: file.len(),
                wanted: self.params().len(),
            });
        }
        for (param, target) in self.params().iter().zip(weights.tensors()) {
            let view = file
                .tensor(&param.name)
                .map_err(|_| WeightsError::Missing {
                    name: param.name.clone(),
                })?;
            let fits = view.shape().len() == param.shape.len()
                && (view.shape().iter().zip(&param.shape))
                    .all(|(&d, &w)| i64::try_from(d) == Ok(w));
            if view.dtype() != Dtype::F32 || !fits {
                return Err(WeightsError::Mismatch {
                    name: param.name.clone(),
                    dtype: view.dtype(),
                    shape: view.shape().to_vec(),
                    wanted: param.shape.clone(),
                });
            }
            let values = Tensor::f_from_data_size(view.data(), &param.shape, Kind::Float)?;
            target.shallow_clone().copy_(&values);
        }
        Ok(flat)
    }
}
