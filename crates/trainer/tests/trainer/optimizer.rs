//! Adam and averaging against the same recursions written for one number.

use gan_trainer::optimizer::{Adam, AdamConfig, Average};
use tch::{Device, Kind, Tensor};

use crate::{take_turns, values};

/// Algorithm 1 of Kingma and Ba 2015, for one number.
fn adam_by_the_paper(config: AdamConfig, start: f64, gradients: &[f64], rate: f64) -> f64 {
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
fn adam_is_the_papers_algorithm() {
    let starts = [0.5, -2.0, 10.0];
    let gradients = [[1.0, -3.0, 1e-6], [0.5, 4.0, 0.0], [-2.0, 0.1, 1e3]];
    for (beta1, beta2, epsilon, epsilon_hat) in [
        (0.9, 0.999, 1e-8, false),
        (0.0, 0.99, 1e-8, false),
        (0.5, 0.999, 1e-3, false),
        (0.9, 0.999, 1e-3, true),
    ] {
        let config = AdamConfig {
            beta1,
            beta2,
            epsilon,
            epsilon_hat,
            limit: 0.0,
        };
        let mut parameters = Tensor::from_slice(&starts);
        let mut adam = Adam::new(config, &parameters);
        for gradient in &gradients {
            adam.update(&mut parameters, &Tensor::from_slice(gradient), 0.01);
        }
        for (i, actual) in values(&parameters).into_iter().enumerate() {
            let column: Vec<f64> = gradients.iter().map(|g| g[i]).collect();
            let expected = adam_by_the_paper(config, starts[i], &column, 0.01);
            assert!((actual - expected).abs() < 1e-12, "{actual} {expected}");
        }
    }
}

/// One parameter after another, in f64: the root mean square of m̂ / (√v̂ + ε) over
/// all of them is what is limited.
#[test]
fn an_update_above_the_limit_is_scaled_down_as_a_whole() {
    let (beta2, rate, epsilon) = (0.9f64, 0.01, 1e-8);
    let gradients = [[1.0, -1.0, 2.0], [1.1, 0.9, -2.0], [40.0, 0.5, -90.0]];
    for (beta1, limit) in [(0.0f64, 0.7), (0.0, 1.2), (0.5, 0.7)] {
        let config = AdamConfig {
            beta1,
            beta2,
            epsilon,
            epsilon_hat: false,
            limit,
        };
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
        // The last gradients are a surprise to any of them.
        assert!(limited >= 1);
        for (actual, expected) in values(&parameters).into_iter().zip(expected) {
            assert!((actual - expected).abs() < 1e-12, "{actual} {expected}");
        }
    }
}

/// The values are those that a step meets: millions of them would take other
/// paths through the kernel than a few, so there are an odd thousand.
#[test]
fn the_fused_kernel_is_the_single_operations() {
    for (beta1, epsilon_hat, limit) in [
        (0.0, false, 0.0),
        (0.5, false, 0.0),
        (0.9, true, 0.0),
        (0.0, false, 0.9),
        (0.9, true, 0.5),
    ] {
        let config = AdamConfig {
            beta1,
            beta2: 0.999,
            epsilon: 1e-8,
            epsilon_hat,
            limit,
        };
        let _turn = take_turns();
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
        assert!(adams.0.is_fused(), "libtorch refused its kernel");
        for (a, b) in values(&fused).into_iter().zip(values(&plain)) {
            assert!((a - b).abs() <= 1e-6 * b.abs().max(1.0), "{a} {b}");
        }
    }
}

#[test]
fn what_was_half_a_life_ago_weighs_one_half() {
    let mut average = Average::new(1000.0, &Tensor::from_slice(&[0.0]));
    // 1000 images after the ramp-up is over, in batches of 50.
    for _ in 0..20 {
        average.update(&Tensor::from_slice(&[1.0]), 50.0, 1e6);
    }
    assert!((values(average.parameters())[0] - 0.5).abs() < 1e-12);
}

#[test]
fn an_average_without_half_life_is_the_parameters() {
    let mut average = Average::new(0.0, &Tensor::from_slice(&[3.0]));
    average.update(&Tensor::from_slice(&[7.0]), 64.0, 64.0);
    assert_eq!(values(average.parameters()), [7.0]);
}
