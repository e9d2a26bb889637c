//! Network parameters: declarations, initial values, and one flat buffer of all
//! values.
//!
//! A network declares its parameters in a [`ParamLayout`] when it is built. It does not
//! own their values: these lie in one flat f32 tensor, and `forward` takes views of
//! such a buffer, [`Weights`]. The same network can therefore run with trained,
//! averaged, frozen or half-precision weights, and an optimizer updates the whole
//! network with a few tensor operations.

use tch::{Device, Kind, Tensor};

/// The distribution of a parameter's initial values.
#[derive(Debug, Clone, PartialEq)]
pub enum Init {
    /// All values equal.
    Constant(f64),
    /// Normal.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        std: f64,
    },
    /// Uniform on `[-bound, bound)`.
    Uniform {
        /// Half the width of the interval.
        bound: f64,
    },
    /// Given values, in the row-major order of the parameter's shape.
    Values(Vec<f32>),
}

impl Init {
    /// Normal with mean 0.
    pub const fn normal(std: f64) -> Init {
        Init::Normal { mean: 0.0, std }
    }

    /// Glorot and Bengio 2010: normal with variance 2 / (fan_in + fan_out).
    pub fn glorot_normal(fan_in: i64, fan_out: i64) -> Init {
        Init::normal((2.0 / (fan_in + fan_out) as f64).sqrt())
    }

    /// Glorot and Bengio 2010, eq. 16: uniform with variance 2 / (fan_in + fan_out).
    pub fn glorot_uniform(fan_in: i64, fan_out: i64) -> Init {
        Init::Uniform { bound: (6.0 / (fan_in + fan_out) as f64).sqrt() }
    }

    /// He et al. 2015, eq. 10: normal with variance gain² / fan_in. gain² is 2 for
    /// ReLU.
    pub fn he_normal(fan_in: i64, gain: f64) -> Init {
        Init::normal(gain / (fan_in as f64).sqrt())
    }

    /// Uniform with variance 1 / (3 fan_in): PyTorch's default for the weights and
    /// biases of linear layers and convolutions.
    pub fn torch_default(fan_in: i64) -> Init {
        Init::Uniform { bound: 1.0 / (fan_in as f64).sqrt() }
    }
}

/// The index of a parameter in its [`ParamLayout`], for [`Weights::get`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParamId(usize);

/// One declared parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Dotted name, such as `conv1.weight`; the tensor's name in files.
    pub name: String,
    /// Shape; rank 4 is `[out, in, height, width]`.
    pub shape: Vec<i64>,
    /// Initial values.
    pub init: Init,
    offset: i64,
}

impl Param {
    /// Number of values.
    pub fn numel(&self) -> i64 {
        self.shape.iter().product()
    }

    /// A view of this parameter in a flat buffer.
    ///
    /// Convolution kernels lie in memory as `[out, height, width, in]`. This is
    /// the channels-last layout that fast convolutions need, and saves a copy per
    /// step.
    fn view(&self, flat: &Tensor) -> Tensor {
        let values = flat.narrow(0, self.offset, self.numel());
        match *self.shape.as_slice() {
            [o, i, h, w] => values.view([o, h, w, i]).permute([0, 3, 1, 2]),
            _ => values.view(self.shape.as_slice()),
        }
    }
}

/// The parameters of a network in the order of declaration.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ParamLayout {
    params: Vec<Param>,
    numel: i64,
}

impl ParamLayout {
    /// A layout without parameters.
    pub fn new() -> ParamLayout {
        ParamLayout::default()
    }

    /// Declares a parameter.
    ///
    /// # Panics
    /// If another parameter has this name, or if `init` is [`Init::Values`] and the
    /// number of values differs from that of `shape`.
    pub fn add(&mut self, name: impl Into<String>, shape: &[i64], init: Init) -> ParamId {
        let param = Param { name: name.into(), shape: shape.to_vec(), init, offset: self.numel };
        let taken = self.params.iter().any(|other| other.name == param.name);
        assert!(!taken, "two parameters are called {}", param.name);
        if let Init::Values(values) = &param.init {
            let (given, expected) = (values.len() as i64, param.numel());
            assert_eq!(given, expected, "initial values of {}", param.name);
        }
        self.numel += param.numel();
        self.params.push(param);
        ParamId(self.params.len() - 1)
    }

    /// The parameters in the order of declaration.
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// The name of the parameter that [`ParamLayout::add`] returned `id` for.
    ///
    /// # Panics
    /// If `id` is out of range.
    pub fn name(&self, id: ParamId) -> &str {
        &self.params[id.0].name
    }

    /// Number of values of all parameters together.
    pub fn numel(&self) -> i64 {
        self.numel
    }

    /// Draws initial values into a new flat buffer, f32 `[numel]` on `device`.
    ///
    /// The random numbers come from libtorch's global CPU random number generator, in the order
    /// of declaration. A seed therefore gives the same weights on every device.
    pub fn init(&self, device: Device) -> Tensor {
        let flat = Tensor::zeros([self.numel], (Kind::Float, Device::Cpu));
        for param in &self.params {
            let mut values = flat.narrow(0, param.offset, param.numel());
            match &param.init {
                Init::Constant(c) => drop(values.fill_(*c)),
                Init::Normal { mean, std } => drop(values.normal_(*mean, *std)),
                Init::Uniform { bound } => drop(values.uniform_(-bound, *bound)),
                Init::Values(given) => {
                    let given = Tensor::from_slice(given).view(param.shape.as_slice());
                    param.view(&flat).copy_(&given);
                }
            }
        }
        flat.to_device(device)
    }

    /// The parameters as views of `flat`, a buffer `[numel]` of any data type.
    ///
    /// # Panics
    /// If `flat` has another shape.
    pub fn weights(&self, flat: &Tensor) -> Weights {
        assert_eq!(flat.size(), [self.numel], "shape of the parameter buffer");
        Weights(self.params.iter().map(|p| p.view(flat)).collect())
    }

    /// The parameters of `flat` `[numel]` as leaf tensors of `kind` that require
    /// gradients.
    ///
    /// One operation converts the whole buffer; if it has this kind already,
    /// nothing is copied.
    ///
    /// # Panics
    /// If `flat` has another shape, or if `kind` is not a floating-point kind.
    pub fn leaves(&self, flat: &Tensor, kind: Kind) -> Weights {
        let views = self.weights(&flat.detach().to_kind(kind));
        views.map(|_, view| view.set_requires_grad(true))
    }

    /// Copies one tensor per parameter, such as gradients, into a new flat buffer, f32 `[numel]`.
    /// An undefined tensor counts as zero.
    ///
    /// # Panics
    /// If the number of tensors or one of their shapes differs from the parameters'.
    pub fn flatten(&self, tensors: &[Tensor], device: Device) -> Tensor {
        assert_eq!(tensors.len(), self.params.len(), "number of tensors");
        let flat = Tensor::empty([self.numel], (Kind::Float, device));
        for (param, tensor) in self.params.iter().zip(tensors) {
            let mut target = param.view(&flat);
            if tensor.defined() {
                assert_eq!(tensor.size(), param.shape, "shape of {}", param.name);
                target.copy_(tensor);
            } else {
                let _ = target.zero_();
            }
        }
        flat
    }
}

/// Views of a flat parameter buffer, one for each parameter, or tensors computed from them.
#[derive(Debug)]
pub struct Weights(Vec<Tensor>);

impl Weights {
    /// The parameter that [`ParamLayout::add`] returned `id` for.
    ///
    /// An id of another layout gives a wrong parameter.
    ///
    /// # Panics
    /// If `id` is out of range.
    pub fn get(&self, id: ParamId) -> &Tensor {
        &self.0[id.0]
    }

    /// All parameters in the order of the layout.
    pub fn tensors(&self) -> &[Tensor] {
        &self.0
    }

    /// Replaces each parameter by the result of `change`, which gets the
    /// parameter's index in the layout and its tensor.
    pub fn map(&self, change: impl Fn(usize, &Tensor) -> Tensor) -> Weights {
        let changed = self.0.iter().enumerate().map(|(i, p)| change(i, p));
        Weights(changed.collect())
    }

    /// The data type of the parameters; networks compute in it.
    pub fn kind(&self) -> Kind {
        self.0.first().map_or(Kind::Float, Tensor::kind)
    }
}
