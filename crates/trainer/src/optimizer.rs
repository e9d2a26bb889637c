//! Adam and weight averaging, each on one flat buffer for a whole network.

use serde::{Deserialize, Serialize};
use tch::Tensor;

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
}

/// Adam's state for one flat parameter buffer.
#[derive(Debug)]
pub struct Adam {
    config: AdamConfig,
    mean: Tensor,
    square: Tensor,
    updates: u64,
}

impl Adam {
    /// A fresh state for `parameters`, f32 `[numel]`.
    pub fn new(config: AdamConfig, parameters: &Tensor) -> Adam {
        Adam {
            config,
            mean: parameters.zeros_like(),
            square: parameters.zeros_like(),
            updates: 0,
        }
    }

    /// One update of `parameters` in place, against `gradient`, both `[numel]`.
    pub fn update(&mut self, parameters: &mut Tensor, gradient: &Tensor, rate: f64) {
        let AdamConfig {
            beta1,
            beta2,
            epsilon,
        } = self.config;
        self.updates += 1;
        let t = self.updates as f64;
        let _ = self.mean.lerp_(gradient, 1.0 - beta1);
        let _ = self.square.lerp_(&(gradient * gradient), 1.0 - beta2);
        // p ← p − rate · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
        let mut denominator = self.square.sqrt();
        let _ = denominator.g_div_scalar_((1.0 - beta2.powf(t)).sqrt());
        let _ = denominator.g_add_scalar_(epsilon);
        let scale = -rate / (1.0 - beta1.powf(t));
        let _ = parameters.addcdiv_(&(&self.mean * scale), &denominator);
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
