//! Optimizers, each for one flat buffer that holds all parameters of a network.

use gan_config::Adam as AdamConfig;
use tch::{CModule, IValue, TchError, Tensor};

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
    pub fn new(config: gan_config::Optimizer, parameters: &Tensor) -> Optimizer {
        match config {
            gan_config::Optimizer::Adam(config) => Optimizer::Adam(Adam::new(config, parameters)),
            gan_config::Optimizer::Sgd(_) => Optimizer::Sgd(Sgd::new(parameters)),
        }
    }

    /// The names of its buffers and the buffers, each f32 `[numel]`, which share
    /// memory with the optimizer.
    pub fn buffers(&self) -> Vec<(&'static str, Tensor)> {
        match self {
            Optimizer::Adam(adam) => vec![
                ("adam_mean", adam.mean.shallow_clone()),
                ("adam_square", adam.square.shallow_clone()),
            ],
            Optimizer::Sgd(sgd) => vec![("sgd_velocity", sgd.velocity.shallow_clone())],
        }
    }

    /// Updates made, which Adam's bias correction depends on; 0 for gradient
    /// descent.
    pub fn updates(&self) -> u64 {
        match self {
            Optimizer::Adam(adam) => adam.updates,
            Optimizer::Sgd(_) => 0,
        }
    }

    /// Restores the value of [`Optimizer::updates`].
    pub fn set_updates(&mut self, updates: u64) {
        if let Optimizer::Adam(adam) = self {
            adam.updates = updates;
        }
    }

    /// Updates `parameters` in place with `gradient`, both `[numel]`. `momentum`
    /// applies to gradient descent only.
    pub fn update(&mut self, parameters: &mut Tensor, gradient: &Tensor, rate: f64, momentum: f64) {
        match self {
            Optimizer::Adam(adam) => adam.update(parameters, gradient, rate),
            Optimizer::Sgd(sgd) => sgd.update(parameters, gradient, rate, momentum),
        }
    }
}

/// Adam's state for one flat parameter buffer.
#[derive(Debug)]
pub struct Adam {
    config: AdamConfig,
    mean: Tensor,
    square: Tensor,
    updates: u64,
    /// libtorch's fused kernel, if it has one for the device.
    fused: Option<CModule>,
}

/// A TorchScript module; `kernels/adam.py` writes it.
const FUSED: &[u8] = include_bytes!("../kernels/adam.pt");

impl Adam {
    /// A fresh state for `parameters`, f32 `[numel]`.
    pub fn new(config: AdamConfig, parameters: &Tensor) -> Adam {
        Adam {
            fused: CModule::load_data(&mut &FUSED[..]).ok(),
            ..Adam::unfused(config, parameters)
        }
    }

    /// A fresh state without the fused kernel: single operations run on every
    /// device.
    pub fn unfused(config: AdamConfig, parameters: &Tensor) -> Adam {
        Adam {
            config,
            mean: parameters.zeros_like(),
            square: parameters.zeros_like(),
            updates: 0,
            fused: None,
        }
    }

    /// Whether updates use libtorch's fused kernel.
    pub fn is_fused(&self) -> bool {
        self.fused.is_some()
    }

    /// Updates `parameters` in place with `gradient`, both `[numel]`:
    /// p ← p − rate · u, u = (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε). With
    /// `clip_update_rms`, u is first scaled down to that root mean square.
    pub fn update(&mut self, parameters: &mut Tensor, gradient: &Tensor, rate: f64) {
        self.updates += 1;
        let Some(limit) = self.config.clip_update_rms else {
            self.descend(parameters, gradient, rate);
            return;
        };
        let mut step = parameters.zeros_like();
        self.descend(&mut step, gradient, 1.0);
        let rms = step.norm() / (step.numel() as f64).sqrt();
        let _ = step.g_mul_(&((rms / limit).clamp_min(1.0).reciprocal() * rate));
        let _ = parameters.g_add_(&step);
    }

    /// p ← p − rate · u.
    fn descend(&mut self, parameters: &mut Tensor, gradient: &Tensor, rate: f64) {
        let fused = self.fused.as_ref();
        let done = fused
            .is_some_and(|kernel| self.descend_fused(kernel, parameters, gradient, rate).is_ok());
        if !done {
            // A device without the kernel fails at every call.
            self.fused = None;
            self.descend_unfused(parameters, gradient, rate);
        }
    }

    fn descend_fused(
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

    fn descend_unfused(&mut self, parameters: &mut Tensor, gradient: &Tensor, rate: f64) {
        let AdamConfig { beta1, beta2, .. } = self.config;
        let _ = self.mean.lerp_(gradient, 1.0 - beta1);
        let _ = self.square.lerp_(&(gradient * gradient), 1.0 - beta2);
        let mut denominator = self.square.sqrt();
        let _ = denominator.g_div_scalar_(self.correction());
        let _ = denominator.g_add_scalar_(self.epsilon());
        let scale = -rate / (1.0 - beta1.powf(self.updates as f64));
        let _ = parameters.addcdiv_(&(&self.mean * scale), &denominator);
    }

    /// √(1 − β₂ᵗ), the bias of √v in the first updates.
    fn correction(&self) -> f64 {
        (1.0 - self.config.beta2.powf(self.updates as f64)).sqrt()
    }

    /// The constant added to the bias-corrected √v.
    fn epsilon(&self) -> f64 {
        if self.config.epsilon_hat {
            self.config.epsilon / self.correction()
        } else {
            self.config.epsilon
        }
    }
}

/// Stochastic gradient descent with Polyak's momentum, for one flat parameter
/// buffer.
#[derive(Debug)]
pub struct Sgd {
    velocity: Tensor,
}

impl Sgd {
    /// Zero velocity for `parameters`, f32 `[numel]`.
    pub fn new(parameters: &Tensor) -> Sgd {
        Sgd { velocity: parameters.zeros_like() }
    }

    /// Updates `parameters` in place with `gradient`, both `[numel]`:
    /// v ← momentum · v − rate · g, p ← p + v.
    pub fn update(&mut self, parameters: &mut Tensor, gradient: &Tensor, rate: f64, momentum: f64) {
        let _ = self.velocity.g_mul_scalar_(momentum);
        let _ = self.velocity.g_sub_(&(gradient * rate));
        let _ = parameters.g_add_(&self.velocity);
    }
}
