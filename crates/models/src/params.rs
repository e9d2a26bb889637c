//! Parameters: what a network declares, and one flat buffer that holds them all.
//!
//! A network declares its parameters in a [`Layout`] when it is built. Their
//! values live elsewhere, in one flat f32 tensor, and reach the network's
//! `forward` as [`Weights`], views of such a buffer. So the same network runs
//! on trained, averaged, frozen or half-precision weights, and an optimizer
//! touches the whole network with a handful of operations.

use tch::{Device, Kind, Tensor};

/// How a parameter's values start.
#[derive(Debug, Clone, PartialEq)]
pub enum Init {
    /// Every value the same.
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
        /// Half the width.
        bound: f64,
    },
    /// A value for each, in the order of the parameter's shape.
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
        Init::Uniform {
            bound: (6.0 / (fan_in + fan_out) as f64).sqrt(),
        }
    }

    /// He et al. 2015, eq. 10: normal with variance gain² / fan_in, where gain²
    /// is 2 for ReLU.
    pub fn he_normal(fan_in: i64, gain: f64) -> Init {
        Init::normal(gain / (fan_in as f64).sqrt())
    }

    /// Uniform with variance 1 / (3 fan_in): what PyTorch gives the weights and
    /// biases of dense layers and convolutions if nobody asks for another.
    pub fn torch_default(fan_in: i64) -> Init {
        Init::Uniform {
            bound: 1.0 / (fan_in as f64).sqrt(),
        }
    }
}

/// One parameter's place in a [`Layout`], to look it up in [`Weights`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParamId(usize);

/// One declared parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Dotted name, the key in checkpoints: `conv1.weight`.
    pub name: String,
    /// Shape; rank 4 is `[out, in, height, width]`.
    pub shape: Vec<i64>,
    /// How it starts.
    pub init: Init,
    offset: i64,
}

impl Param {
    /// Number of values.
    pub fn numel(&self) -> i64 {
        self.shape.iter().product()
    }

    /// This parameter's view of a flat buffer.
    ///
    /// Convolution kernels lie in memory as `[out, height, width, in]`, which is
    /// the channels-last layout that the convolutions want: no copy per step.
    fn view(&self, flat: &Tensor) -> Tensor {
        let values = flat.narrow(0, self.offset, self.numel());
        match *self.shape.as_slice() {
            [o, i, h, w] => values.view([o, h, w, i]).permute([0, 3, 1, 2]),
            _ => values.view(self.shape.as_slice()),
        }
    }
}

/// The parameters of one network, in the order they were declared.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layout {
    params: Vec<Param>,
    numel: i64,
}

impl Layout {
    /// No parameters yet.
    pub fn new() -> Layout {
        Layout::default()
    }

    /// Declares one more parameter.
    ///
    /// # Panics
    /// Where another parameter has this name, or `init` is [`Init::Values`] and
    /// has more or fewer of them than `shape`.
    pub fn add(&mut self, name: impl Into<String>, shape: &[i64], init: Init) -> ParamId {
        let param = Param {
            name: name.into(),
            shape: shape.to_vec(),
            init,
            offset: self.numel,
        };
        let taken = self.params.iter().any(|other| other.name == param.name);
        assert!(!taken, "two parameters are called {}", param.name);
        if let Init::Values(values) = &param.init {
            let (given, wanted) = (values.len() as i64, param.numel());
            assert_eq!(given, wanted, "starting values of {}", param.name);
        }
        self.numel += param.numel();
        self.params.push(param);
        ParamId(self.params.len() - 1)
    }

    /// The parameters, in order.
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// Number of values in all parameters together.
    pub fn numel(&self) -> i64 {
        self.numel
    }

    /// A flat f32 buffer `[numel]` with fresh starting values, drawn from
    /// libtorch's global generator in the order of declaration.
    pub fn init(&self, device: Device) -> Tensor {
        // Drawn on the CPU, so that a seed means the same weights on any device.
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

    /// The parameters as views of `flat`, a buffer `[numel]`.
    ///
    /// # Panics
    /// Where it has another shape.
    pub fn weights(&self, flat: &Tensor) -> Weights {
        assert_eq!(flat.size(), [self.numel], "buffer of parameters");
        Weights(self.params.iter().map(|p| p.view(flat)).collect())
    }

    /// As [`Layout::weights`], converted to `kind` in one operation and each a
    /// leaf that gradients can be asked for.
    ///
    /// With [`Kind::Float`] nothing is copied.
    ///
    /// # Panics
    /// Where `flat` has another shape than `[numel]`, or `kind` is no
    /// floating-point one.
    pub fn leaves(&self, flat: &Tensor, kind: Kind) -> Weights {
        let views = self.weights(&flat.detach().to_kind(kind));
        views.map(|_, view| view.set_requires_grad(true))
    }

    /// Gradients of [`Layout::leaves`], gathered into a flat f32 buffer
    /// `[numel]` of this layout's order; an undefined gradient counts as zero.
    ///
    /// # Panics
    /// Unless there is one for each parameter, of its shape.
    pub fn gather(&self, gradients: &[Tensor], device: Device) -> Tensor {
        assert_eq!(gradients.len(), self.params.len(), "gradients");
        let flat = Tensor::empty([self.numel], (Kind::Float, device));
        for (param, gradient) in self.params.iter().zip(gradients) {
            let mut place = param.view(&flat);
            if gradient.defined() {
                assert_eq!(gradient.size(), param.shape, "gradient of {}", param.name);
                place.copy_(gradient);
            } else {
                let _ = place.zero_();
            }
        }
        flat
    }
}

/// A network's parameters, ready to compute with.
#[derive(Debug)]
pub struct Weights(Vec<Tensor>);

impl Weights {
    /// One parameter.
    ///
    /// # Panics
    /// Where `id` is of another layout, which has more parameters; where that has
    /// not, the parameter is a wrong one.
    pub fn get(&self, id: ParamId) -> &Tensor {
        &self.0[id.0]
    }

    /// All parameters, in the order of the layout.
    pub fn tensors(&self) -> &[Tensor] {
        &self.0
    }

    /// The same network with each parameter replaced by what `change` makes of
    /// it; `change` gets its place in the layout too.
    pub fn map(&self, change: impl Fn(usize, &Tensor) -> Tensor) -> Weights {
        Weights(
            self.0
                .iter()
                .enumerate()
                .map(|(i, p)| change(i, p))
                .collect(),
        )
    }

    /// The kind that the network computes in.
    pub fn kind(&self) -> Kind {
        self.0.first().map_or(Kind::Float, Tensor::kind)
    }
}
