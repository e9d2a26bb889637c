//! An exponential moving average of parameters.

use tch::Tensor;

/// An exponential moving average of G's parameters; samples are drawn from it.
#[derive(Debug)]
pub struct Ema {
    half_life_images: f64,
    parameters: Tensor,
}

impl Ema {
    /// Starts at `parameters`, f32 `[numel]`. Parameters from `half_life_images`
    /// images ago have half the weight of the current ones.
    pub fn new(half_life_images: f64, parameters: &Tensor) -> Ema {
        Ema { half_life_images, parameters: parameters.copy() }
    }

    /// The averaged parameters, f32 `[numel]`.
    pub fn parameters(&self) -> &Tensor {
        &self.parameters
    }

    /// Updates the average with the current `parameters`. `images` is the number of images since
    /// the last update, `images_seen` the number in total.
    pub fn update(&mut self, parameters: &Tensor, images: f64, images_seen: f64) {
        // The half-life is short at first (EMA ramp-up 0.05 of Karras et al.
        // 2020), so that the random start loses its weight quickly.
        let half_life = self.half_life_images.min(0.05 * images_seen);
        let decay = if half_life > 0.0 { 0.5f64.powf(images / half_life) } else { 0.0 };
        let _ = self.parameters.lerp_(parameters, 1.0 - decay);
    }
}
