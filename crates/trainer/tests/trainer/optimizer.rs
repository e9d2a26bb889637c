//! Adam and the moving average against the same recursions for one number.

use gan_config::AdamConfig;
use gan_trainer::{Adam, Ema};
use tch::{Device, Kind, Tensor};

use crate::{lock_generator, values};

/// Algorithm 1 of Kingma and Ba 2015, for one number.
fn adam_of_the_paper(config: AdamConfig, start: f64, gradients: &[f64], rate: f64) -> f64 {
    let (mut theta, mut m, mut v) = (start, 0.0, 0.0);
    for (t, g) in (1..).zip(gradients) {
        m = config.beta1 * m + (1.0 - config.beta1) * g;
        v = config.beta2 * v + (1.0 - config.beta2) * g * g;
        let m_hat = m / (1.0 - config.beta1.powi(t));
        let v_hat = v / (1.0 - config.beta2.powi(t));
        theta -= if config.epsilon_hat {
            // The form at the end of section 2: α_t m / (√v + ε̂).
            let rate = rate * (1.0 - config.beta2.powi(t)).sqrt() / (1.0 - config.beta1.powi(t));
            rate * m / (v.sqrt() + config.epsilon)
        } else {
            rate * m_hat / (v_hat.sqrt() + config.epsilon)
        };
    }
    theta
}

#[test]
fn adam_equals_the_papers_algorithm() {
    let starts = [0.5, -2.0, 10.0];
    let gradients = [[1.0, -3.0, 1e-6], [0.5, 4.0, 0.0], [-2.0, 0.1, 1e3]];
    for (beta1, beta2, epsilon, epsilon_hat) in [
        (0.9, 0.999, 1e-8, false),
        (0.0, 0.99, 1e-8, false),
        (0.5, 0.999, 1e-3, false),
        (0.9, 0.999, 1e-3, true),
    ] {
        let config = AdamConfig { beta1, beta2, epsilon, epsilon_hat, clip_update_rms: None };
        let mut parameters = Tensor::from_slice(&starts);
        let mut adam = Adam::new(config, &parameters);
        for gradient in &gradients {
            adam.update(&mut parameters, &Tensor::from_slice(gradient), 0.01);
        }
        for (i, actual) in values(&parameters).into_iter().enumerate() {
            let column: Vec<f64> = gradients.iter().map(|g| g[i]).collect();
            let expected = adam_of_the_paper(config, starts[i], &column, 0.01);
            assert!((actual - expected).abs() < 1e-12, "{actual} {expected}");
        }
    }
}

/// Computed one parameter at a time in f64. The limit applies to the root mean square
/// of m̂ / (√v̂ + ε) over all parameters.
#[test]
fn scales_down_an_update_whose_root_mean_square_exceeds_the_limit() {
    let (beta2, rate, epsilon) = (0.9f64, 0.01, 1e-8);
    let gradients = [[1.0, -1.0, 2.0], [1.1, 0.9, -2.0], [40.0, 0.5, -90.0]];
    for (beta1, limit) in [(0.0f64, 0.7), (0.0, 1.2), (0.5, 0.7)] {
        let config =
            AdamConfig { beta1, beta2, epsilon, epsilon_hat: false, clip_update_rms: Some(limit) };
        let mut parameters = Tensor::from_slice(&[0.0f64, 0.0, 0.0]);
        let mut adam = Adam::new(config, &parameters);
        let (mut expected, mut limited) = ([0.0f64; 3], 0);
        let (mut m, mut v) = ([0.0f64; 3], [0.0f64; 3]);
        for (t, gradient) in (1..).zip(&gradients) {
            adam.update(&mut parameters, &Tensor::from_slice(gradient), rate);
            let mut update = [0.0; 3];
            for i in 0..3 {
                m[i] = beta1 * m[i] + (1.0 - beta1) * gradient[i];
                v[i] = beta2 * v[i] + (1.0 - beta2) * gradient[i] * gradient[i];
                let m_hat = m[i] / (1.0 - beta1.powi(t));
                let v_hat = v[i] / (1.0 - beta2.powi(t));
                update[i] = m_hat / (v_hat.sqrt() + epsilon);
            }
            let size = (update.iter().map(|u| u * u).sum::<f64>() / 3.0).sqrt();
            limited += usize::from(size > limit);
            for i in 0..3 {
                expected[i] -= rate * update[i] / (size / limit).max(1.0);
            }
        }
        // The last gradients are much larger than those before.
        assert!(limited >= 1);
        for (actual, expected) in values(&parameters).into_iter().zip(expected) {
            assert!((actual - expected).abs() < 1e-12, "{actual} {expected}");
        }
    }
}

/// An odd number of about a thousand values: the kernel computes whole vectors and a
/// remainder.
#[test]
fn the_fused_kernel_equals_the_single_operations() {
    for (beta1, epsilon_hat, limit) in [
        (0.0, false, None),
        (0.5, false, None),
        (0.9, true, None),
        (0.0, false, Some(0.9)),
        (0.9, true, Some(0.5)),
    ] {
        let config =
            AdamConfig { beta1, beta2: 0.999, epsilon: 1e-8, epsilon_hat, clip_update_rms: limit };
        let _generator = lock_generator();
        tch::manual_seed(1);
        let options = (Kind::Float, Device::Cpu);
        let mut fused = Tensor::randn([1_003], options);
        let mut plain = fused.copy();
        let mut adams = (Adam::new(config, &fused), Adam::unfused(config, &plain));
        for _ in 0..5 {
            let gradient = Tensor::randn([1_003], options) * 1e-3;
            adams.0.update(&mut fused, &gradient, 1e-3);
            adams.1.update(&mut plain, &gradient, 1e-3);
        }
        assert!(adams.0.is_fused(), "libtorch cannot run its fused kernel");
        for (a, b) in values(&fused).into_iter().zip(values(&plain)) {
            assert!((a - b).abs() <= 1e-6 * b.abs().max(1.0), "{a} {b}");
        }
    }
}

#[test]
fn the_average_weighs_values_from_one_half_life_ago_by_one_half() {
    let mut average = Ema::new(1000.0, &Tensor::from_slice(&[0.0]));
    // 1000 images in batches of 50, after the ramp-up.
    for _ in 0..20 {
        average.update(&Tensor::from_slice(&[1.0]), 50.0, 1e6);
    }
    assert!((values(average.parameters())[0] - 0.5).abs() < 1e-12);
}

#[test]
fn an_average_without_half_life_equals_the_parameters() {
    let mut average = Ema::new(0.0, &Tensor::from_slice(&[3.0]));
    average.update(&Tensor::from_slice(&[7.0]), 64.0, 64.0);
    assert_eq!(values(average.parameters()), [7.0]);
}
