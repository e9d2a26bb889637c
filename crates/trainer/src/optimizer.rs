//! Optimizers, each for one flat buffer that holds all parameters of a network.

use gan_config::AdamConfig;
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
    pub fn new(config: gan_config::OptimizerConfig, parameters: &Tensor) -> Optimizer {
        match config {
            gan_config::OptimizerConfig::Adam(config) => {
                Optimizer::Adam(Adam::new(config, parameters))
            }
            gan_config::OptimizerConfig::Sgd(_) => Optimizer::Sgd(Sgd::new(parameters)),
        }
    }

    /// The names of its buffers and the buffers, each f32 `[numel]`, which share
    /// memory with the optimizer.
    pub fn buffers(&self) -> Vec<(&'static str, Tensor)> {
        match self {
            Optimizer::Adam(adam) => vec![
                ("adam_mean", adam.exp_avg.shallow_clone()),
                ("adam_square", adam.exp_avg_sq.shallow_clone()),
            ],
            Optimizer::Sgd(sgd) => vec![("sgd_velocity", sgd.velocity.shallow_clone())],
        }
    }

    /// Number of updates so far, for Adam's bias correction. SGD returns 0.
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
    pub fn update(&mut self, parameters: &mut Tensor, gradient: &Tensor, lr: f64, momentum: f64) {
        match self {
            Optimizer::Adam(adam) => adam.update(parameters, gradient, lr),
            Optimizer::Sgd(sgd) => sgd.update(parameters, gradient, lr, momentum),
        }
    }
}

/// Adam's state for one flat parameter buffer.
#[derive(Debug)]
pub struct Adam {
    config: AdamConfig,
    exp_avg: Tensor,
    exp_avg_sq: Tensor,
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
            exp_avg: parameters.zeros_like(),
            exp_avg_sq: parameters.zeros_like(),
            updates: 0,
            fused: None,
        }
    }

    /// Whether updates use libtorch's fused kernel.
    pub fn is_fused(&self) -> bool {
        self.fused.is_some()
    }

    /// Updates `parameters` in place with `gradient`, both `[numel]`:
    /// p ← p − lr · u, u = (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε). With
    /// `clip_update_rms`, u is first scaled down to that root mean square.
    pub fn update(&mut self, parameters: &mut Tensor, gradient: &Tensor, lr: f64) {
        self.updates += 1;
        let Some(limit) = self.config.clip_update_rms else {
            self.step(parameters, gradient, lr);
            return;
        };
        let mut step = parameters.zeros_like();
        self.step(&mut step, gradient, 1.0);
        let rms = step.norm() / (step.numel() as f64).sqrt();
        let _ = step.g_mul_(&((rms / limit).clamp_min(1.0).reciprocal() * lr));
        let _ = parameters.g_add_(&step);
    }

    /// p ← p − lr · u.
    fn step(&mut self, parameters: &mut Tensor, gradient: &Tensor, lr: f64) {
        let fused = self.fused.as_ref();
        let done =
            fused.is_some_and(|kernel| self.step_fused(kernel, parameters, gradient, lr).is_ok());
        if !done {
            // A device without the kernel fails at every call.
            self.fused = None;
            self.step_unfused(parameters, gradient, lr);
        }
    }

    fn step_fused(
        &self,
        kernel: &CModule,
        parameters: &Tensor,
        gradient: &Tensor,
        lr: f64,
    ) -> Result<(), TchError> {
        let list = |x: &Tensor| IValue::TensorList(vec![x.shallow_clone()]);
        let updates = Tensor::from(self.updates as f32).to_device(parameters.device());
        let arguments = [
            list(parameters),
            list(gradient),
            list(&self.exp_avg),
            list(&self.exp_avg_sq),
            list(&updates),
            IValue::Double(lr),
            IValue::Double(self.config.beta1),
            IValue::Double(self.config.beta2),
            IValue::Double(self.epsilon()),
        ];
        kernel.method_is("update", &arguments).map(drop)
    }

    fn step_unfused(&mut self, parameters: &mut Tensor, gradient: &Tensor, lr: f64) {
        let AdamConfig { beta1, beta2, .. } = self.config;
        let _ = self.exp_avg.lerp_(gradient, 1.0 - beta1);
        let _ = self.exp_avg_sq.lerp_(&(gradient * gradient), 1.0 - beta2);
        let mut denominator = self.exp_avg_sq.sqrt();
        let _ = denominator.g_div_scalar_(self.sqrt_bias_correction2());
        let _ = denominator.g_add_scalar_(self.epsilon());
        let scale = -lr / (1.0 - beta1.powf(self.updates as f64));
        let _ = parameters.addcdiv_(&(&self.exp_avg * scale), &denominator);
    }

    /// √(1 − β₂ᵗ), the bias of √v in the first updates.
    fn sqrt_bias_correction2(&self) -> f64 {
        (1.0 - self.config.beta2.powf(self.updates as f64)).sqrt()
    }

    /// The constant added to the bias-corrected √v.
    fn epsilon(&self) -> f64 {
        if self.config.epsilon_hat {
            self.config.epsilon / self.sqrt_bias_correction2()
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
    /// v ← momentum · v − lr · g, p ← p + v.
    pub fn update(&mut self, parameters: &mut Tensor, gradient: &Tensor, lr: f64, momentum: f64) {
        let _ = self.velocity.g_mul_scalar_(momentum);
        let _ = self.velocity.g_sub_(&(gradient * lr));
        let _ = parameters.g_add_(&self.velocity);
    }
}
