//! Optimizers and weight averaging, each on one flat buffer for a whole network.

use serde::{Deserialize, Serialize};
use tch::{CModule, IValue, TchError, Tensor};

/// Which optimizer moves the parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Adam.
    Adam,
    /// Gradient descent with momentum.
    Sgd,
}

/// An optimizer with its state for one flat parameter buffer.
#[derive(Debug)]
pub enum Optimizer {
    /// Adam.
    Adam(Adam),
    /// Gradient descent with momentum.
    Sgd(Sgd),
}

impl Optimizer {
    /// A fresh state for `parameters`, f32 `[numel]`.
    pub fn new(method: Method, adam: AdamConfig, parameters: &Tensor) -> Optimizer {
        match method {
            Method::Adam => Optimizer::Adam(Adam::new(adam, parameters)),
            Method::Sgd => Optimizer::Sgd(Sgd::new(parameters)),
        }
    }

    /// What it remembers, each f32 `[numel]` and with a name: handles on the
    /// buffers themselves.
    pub fn buffers(&self) -> Vec<(&'static str, Tensor)> {
        match self {
            Optimizer::Adam(adam) => vec![
                ("adam-mean", adam.mean.shallow_clone()),
                ("adam-square", adam.square.shallow_clone()),
            ],
            Optimizer::Sgd(sgd) => vec![("sgd-velocity", sgd.velocity.shallow_clone())],
        }
    }

    /// Updates made, where it counts them, else 0.
    pub fn updates(&self) -> u64 {
        match self {
            Optimizer::Adam(adam) => adam.updates,
            Optimizer::Sgd(_) => 0,
        }
    }

    /// Sets what [`Optimizer::updates`] returns, where it is counted.
    pub fn set_updates(&mut self, updates: u64) {
        if let Optimizer::Adam(adam) = self {
            adam.updates = updates;
        }
    }

    /// One update of `parameters` in place, against `gradient`, both `[numel]`;
    /// `momentum` counts where there is gradient descent.
    pub fn update(&mut self, parameters: &mut Tensor, gradient: &Tensor, rate: f64, momentum: f64) {
        match self {
            Optimizer::Adam(adam) => adam.update(parameters, gradient, rate),
            Optimizer::Sgd(sgd) => sgd.update(parameters, gradient, rate, momentum),
        }
    }
}

/// Adam's constants; Kingma and Ba 2015, algorithm 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamConfig {
    /// Decay of the mean of gradients.
    pub beta1: f64,
    /// Decay of the mean of squared gradients.
    pub beta2: f64,
    /// Added to the root of the latter.
    pub epsilon: f64,
    /// Add it before the root is corrected for the first updates, not after:
    /// the ε̂ at the end of Kingma and Ba's section 2, which Keras and TensorFlow
    /// take.
    pub epsilon_hat: bool,
    /// An update whose root mean square over the network is more than so many
    /// learning rates is scaled down to it; 0 for no limit. Where gradients grow
    /// of a sudden, √v lags behind, and one update undoes hundreds (Shazeer and
    /// Stern 2018, section 6; Wortsman et al. 2023, section 3.4, who take 1, and
    /// leave the mean of gradients out of what they measure: the same where `beta1`
    /// is 0).
    #[serde(default)]
    pub limit: f64,
}

impl AdamConfig {
    /// Kingma and Ba's constants, the default of every library.
    pub const USUAL: AdamConfig = AdamConfig {
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        epsilon_hat: false,
        limit: 0.0,
    };
}

/// Adam's state for one flat parameter buffer.
#[derive(Debug)]
pub struct Adam {
    config: AdamConfig,
    mean: Tensor,
    square: Tensor,
    updates: u64,
    /// libtorch's kernel, where it has one.
    fused: Option<CModule>,
}

/// See `kernels/adam.py`, which wrote it.
const FUSED: &[u8] = include_bytes!("../kernels/adam.pt");

impl Adam {
    /// A fresh state for `parameters`, f32 `[numel]`.
    pub fn new(config: AdamConfig, parameters: &Tensor) -> Adam {
        Adam {
            fused: CModule::load_data(&mut &FUSED[..]).ok(),
            ..Adam::unfused(config, parameters)
        }
    }

    /// The same, updated by single operations: what every device can.
    pub fn unfused(config: AdamConfig, parameters: &Tensor) -> Adam {
        Adam {
            config,
            mean: parameters.zeros_like(),
            square: parameters.zeros_like(),
            updates: 0,
            fused: None,
        }
    }

    /// Whether updates go through libtorch's kernel.
    pub fn is_fused(&self) -> bool {
        self.fused.is_some()
    }

    /// One update of `parameters` in place, against `gradient`, both `[numel]`:
    /// p ← p − rate · u, u = (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε), where u is
    /// scaled down to the limit first, if there is one.
    pub fn update(&mut self, parameters: &mut Tensor, gradient: &Tensor, rate: f64) {
        self.updates += 1;
        let limit = self.config.limit;
        if limit > 0.0 {
            let mut step = parameters.zeros_like();
            self.descend(&mut step, gradient, 1.0);
            let size = step.norm() / (step.numel() as f64).sqrt();
            let _ = step.g_mul_(&((size / limit).clamp_min(1.0).reciprocal() * rate));
            let _ = parameters.g_add_(&step);
        } else {
            self.descend(parameters, gradient, rate);
        }
    }

    /// p ← p − rate · u.
    fn descend(&mut self, parameters: &mut Tensor, gradient: &Tensor, rate: f64) {
        let done = match &self.fused {
            Some(kernel) => self
                .descend_at_once(kernel, parameters, gradient, rate)
                .is_ok(),
            None => false,
        };
        if !done {
            // Refused once, refused always.
            self.fused = None;
            self.descend_by_parts(parameters, gradient, rate);
        }
    }

    fn descend_at_once(
        &self,
        kernel: &CModule,
        parameters: &Tensor,
        gradient: &Tensor,
        rate: f64,
    ) -> Result<(), TchError> {
        let list = |x: &Tensor| IValue::TensorList(vec![x.shallow_clone()]);
        let updates = Tensor::from(self.updates as f32).to_device(parameters.device());
        let arguments = [
            list(parameters),
            list(gradient),
            list(&self.mean),
            list(&self.square),
            list(&updates),
            IValue::Double(rate),
            IValue::Double(self.config.beta1),
            IValue::Double(self.config.beta2),
            IValue::Double(self.epsilon()),
        ];
        kernel.method_is("update", &arguments).map(drop)
    }

    fn descend_by_parts(&mut self, parameters: &mut Tensor, gradient: &Tensor, rate: f64) {
        let AdamConfig { beta1, beta2, .. } = self.config;
        let _ = self.mean.lerp_(gradient, 1.0 - beta1);
        let _ = self.square.lerp_(&(gradient * gradient), 1.0 - beta2);
        let mut denominator = self.square.sqrt();
        let _ = denominator.g_div_scalar_(self.correction());
        let _ = denominator.g_add_scalar_(self.epsilon());
        let scale = -rate / (1.0 - beta1.powf(self.updates as f64));
        let _ = parameters.addcdiv_(&(&self.mean * scale), &denominator);
    }

    /// √(1 − β₂ᵗ), by which the root is too small in the first updates.
    fn correction(&self) -> f64 {
        (1.0 - self.config.beta2.powf(self.updates as f64)).sqrt()
    }

    /// What is added to the corrected root.
    fn epsilon(&self) -> f64 {
        if self.config.epsilon_hat {
            self.config.epsilon / self.correction()
        } else {
            self.config.epsilon
        }
    }
}

/// Stochastic gradient descent with Polyak's momentum, its state for one flat
/// parameter buffer.
#[derive(Debug)]
pub struct Sgd {
    velocity: Tensor,
}

impl Sgd {
    /// At rest.
    pub fn new(parameters: &Tensor) -> Sgd {
        Sgd {
            velocity: parameters.zeros_like(),
        }
    }

    /// One update of `parameters` in place, against `gradient`, both `[numel]`:
    /// v ← momentum · v − rate · g, p ← p + v.
    pub fn update(&mut self, parameters: &mut Tensor, gradient: &Tensor, rate: f64, momentum: f64) {
        let _ = self.velocity.g_mul_scalar_(momentum);
        let _ = self.velocity.g_sub_(&(gradient * rate));
        let _ = parameters.g_add_(&self.velocity);
    }
}

/// An exponential moving average of parameters.
#[derive(Debug)]
pub struct Average {
    half_life_images: f64,
    parameters: Tensor,
}

impl Average {
    /// Starts at `parameters`; the weight of what was seen `half_life_images`
    /// images ago is one half, 0 for no averaging.
    pub fn new(half_life_images: f64, parameters: &Tensor) -> Average {
        Average {
            half_life_images,
            parameters: parameters.copy(),
        }
    }

    /// The averaged parameters, f32 `[numel]`.
    pub fn parameters(&self) -> &Tensor {
        &self.parameters
    }

    /// Takes in `parameters` as they are after `batch` more images, `images_seen`
    /// in all.
    pub fn update(&mut self, parameters: &Tensor, batch: f64, images_seen: f64) {
        // Short at first, as in Karras et al. 2020 (EMA ramp-up 0.05): the
        // start, which is noise, should not linger.
        let half_life = self.half_life_images.min(0.05 * images_seen);
        let decay = if half_life > 0.0 {
            0.5f64.powf(batch / half_life)
        } else {
            0.0
        };
        let _ = self.parameters.lerp_(parameters, 1.0 - decay);
    }
}
