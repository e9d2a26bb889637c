//! Losses, penalties and optimizers against values that plain PyTorch computed in f64
//! with `reference/regularizers.py`.

use gan_config::{AdamConfig, MomentumSchedule, Schedule, SchedulePosition};
use gan_trainer::penalties::{interpolate, one_centered_penalty, perturb, squared_gradient_norm};
use gan_trainer::{Adam, LOSSES, Sgd};
use serde_json::Value;
use tch::{Kind, Tensor};

use crate::values;

fn reference() -> Value {
    serde_json::from_str(include_str!("../reference/regularizers.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).unwrap()
}

fn tensor(value: &Value, shape: &[i64]) -> Tensor {
    Tensor::from_slice(&numbers(value)).view(shape)
}

#[track_caller]
fn close(actual: &[f64], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len());
    let scale = expected.iter().fold(1e-2f64, |a, b| a.max(b.abs()));
    for (a, e) in actual.iter().zip(expected) {
        assert!((a - e).abs() <= 2e-5 * scale, "{a} instead of {e}");
    }
}

/// One of the two discriminators of the reference values.
struct Small {
    expected: Value,
    params: Vec<(&'static str, Tensor)>,
}

impl Small {
    fn new(name: &str) -> Small {
        let expected = reference()[name].clone();
        let params = ["w1", "b1", "w2", "b2"].map(|param| {
            let stored = &expected["params"][param];
            let shape: Vec<i64> = serde_json::from_value(stored["shape"].clone()).unwrap();
            (param, tensor(&stored["data"], &shape).set_requires_grad(true))
        });
        Small { expected, params: params.into() }
    }

    fn images(&self, side: &str) -> Tensor {
        let shape: Vec<i64> = serde_json::from_value(self.expected[side]["shape"].clone()).unwrap();
        // The trainer's images have four dimensions.
        let shape = match *shape.as_slice() {
            [n, numbers] => vec![n, 1, 1, numbers],
            _ => shape,
        };
        tensor(&self.expected[side]["data"], &shape)
    }

    fn logits(&self, x: &Tensor) -> Tensor {
        let [w1, b1, w2, b2] = [0, 1, 2, 3].map(|i| &self.params[i].1);
        let hidden = if w1.dim() == 4 {
            x.conv2d(w1, Some(b1), 1, 1, 1, 1)
        } else {
            x.flatten(1, -1).linear(w1, Some(b1))
        };
        hidden.tanh().flatten(1, -1).linear(w2, Some(b2)).view([-1])
    }

    /// Compares `value` and its gradient by every parameter with the stored ones.
    #[track_caller]
    fn check(&self, value: &Tensor, expected: &Value, gradient: &str) {
        close(&[value.double_value(&[])], &[expected["value"].as_f64().unwrap()]);
        let params: Vec<&Tensor> = self.params.iter().map(|(_, p)| p).collect();
        let gradients = Tensor::run_backward(&[value], &params, true, false);
        for ((name, param), found) in self.params.iter().zip(&gradients) {
            let found = if found.defined() { values(found) } else { vec![0.0; param.numel()] };
            close(&found, &numbers(&expected[gradient][name]));
        }
    }
}

fn both_discriminators() -> [Small; 2] {
    ["dense", "conv"].map(Small::new)
}

/// Panics for a loss without reference values.
fn expected_of<'a>(losses: &'a Value, name: &str) -> &'a Value {
    let found = losses.get(name);
    found.unwrap_or_else(|| panic!("regularizers.json has no values for the loss {name}"))
}

#[test]
fn every_loss_and_its_gradients_equal_the_reference_values() {
    for small in both_discriminators() {
        let (real_images, fake_images) = (small.images("real"), small.images("fake"));
        for loss in LOSSES {
            let expected = expected_of(&small.expected["losses"], loss.name);
            let real = small.logits(&real_images);
            let value = (loss.discriminator)(&real, &small.logits(&fake_images));
            small.check(&value, &expected["d"], "grad");

            let fake_images = fake_images.detach().set_requires_grad(true);
            let value = (loss.generator)(&real.detach(), &small.logits(&fake_images));
            close(&[value.double_value(&[])], &[expected["g"]["value"].as_f64().unwrap()]);
            let gradient = Tensor::run_backward(&[value], &[&fake_images], false, false);
            close(&values(&gradient[0]), &numbers(&expected["g"]["grad_fake"]));
        }
    }
}

#[test]
fn every_loss_of_extreme_logits_and_its_gradients_equal_the_reference_values() {
    let all = &reference()["losses_on_logits"];
    for loss in LOSSES {
        let expected = expected_of(all, loss.name);
        for (network, function) in [("d", loss.discriminator), ("g", loss.generator)] {
            let expected = &expected[network];
            let logits = |side: &str| tensor(&all[side], &[-1]).set_requires_grad(true);
            let (real, fake) = (logits("real"), logits("fake"));
            // The sum makes both gradients defined.
            let value = function(&real, &fake) + (&real + &fake).sum(Kind::Double) * 0.0;
            close(&[value.double_value(&[])], &[expected["value"].as_f64().unwrap()]);
            let gradients = Tensor::run_backward(&[value], &[&real, &fake], false, false);
            close(&values(&gradients[0]), &numbers(&expected["grad_real"]));
            close(&values(&gradients[1]), &numbers(&expected["grad_fake"]));
        }
    }
}

#[test]
fn no_reference_values_are_of_an_unknown_loss() {
    for small in both_discriminators() {
        let names = small.expected["losses"].as_object().unwrap();
        assert_eq!(names.len(), LOSSES.len(), "{:?}", names.keys());
    }
}

#[test]
fn r1_and_r2_equal_the_reference_values() {
    for small in both_discriminators() {
        for (name, side) in [("r1", "real"), ("r2", "fake")] {
            let expected = &small.expected[name];
            let images = small.images(side).set_requires_grad(true);
            let squared = squared_gradient_norm(&images, &small.logits(&images));
            let gamma = expected["gamma"].as_f64().unwrap();
            small.check(&(squared.mean(Kind::Double) * (gamma / 2.0)), expected, "grad");
        }
    }
}

#[test]
fn the_penalties_of_wgan_gp_and_dragan_equal_the_reference_values() {
    for small in both_discriminators() {
        let (real, fake) = (small.images("real"), small.images("fake"));
        let n = real.size()[0];
        let penalty = |points: Tensor, expected: &Value, lambda: &Value| {
            close(&values(&points), &numbers(&expected["x_hat"]));
            let points = points.detach().set_requires_grad(true);
            let penalty = one_centered_penalty(&points, &small.logits(&points));
            let mean = penalty.mean(Kind::Double);
            small.check(&(mean * lambda.as_f64().unwrap()), expected, "grad");
        };
        let expected = &small.expected["wgan_gp"];
        let shares = tensor(&expected["epsilon"], &[n, 1, 1, 1]);
        let points = interpolate(&real, &fake, &shares);
        penalty(points, expected, &expected["lambda"]);

        let expected = &small.expected["dragan"];
        let noise = tensor(&expected["u"], &real.size());
        let shares = tensor(&expected["alpha"], &[n, 1, 1, 1]);
        let points = perturb(&real, &noise, &shares);
        penalty(points, &expected["original"], &expected["lambda"]);
    }
}

#[test]
fn adam_equals_the_reference_values() {
    let expected = reference()["adam"].clone();
    for name in ["default", "gan"] {
        let expected = &expected[name];
        let number = |key: &str| expected[key].as_f64().unwrap();
        let config = AdamConfig {
            beta1: number("beta1"),
            beta2: number("beta2"),
            epsilon: number("eps"),
            epsilon_hat: false,
            clip_update_rms: None,
        };
        let mut parameters = tensor(&expected["param0"], &[-1]).to_kind(Kind::Float);
        let mut adam = Adam::new(config, &parameters);
        for step in expected["steps"].as_array().unwrap() {
            let gradient = tensor(&step["grad"], &[-1]).to_kind(Kind::Float);
            adam.update(&mut parameters, &gradient, number("lr"));
            close(&values(&parameters), &numbers(&step["param"]));
        }
    }
}

fn after(updates: u64) -> SchedulePosition {
    SchedulePosition { fraction_done: 0.5, steps_done: updates, total_batches: 1 }
}

/// With pylearn2's momentum, and a rate that falls after each update.
#[test]
fn gradient_descent_equals_the_reference_values() {
    let expected = reference()["pylearn2"].clone();
    for name in ["paper", "steep_decay"] {
        let expected = &expected[name];
        let mut parameters = tensor(&expected["param0"], &[-1]).to_kind(Kind::Float);
        let mut sgd = Sgd::new(&parameters);
        for (update, step) in expected["steps"].as_array().unwrap().iter().enumerate() {
            let gradient = tensor(&step["grad"], &[-1]).to_kind(Kind::Float);
            let rate = step["lr"].as_f64().unwrap();
            if name == "paper" {
                let computed = 0.1 * Schedule::ExponentialDecay.lr_factor(after(update as u64));
                assert!((computed - rate).abs() < 1e-12, "{computed} {rate}");
            }
            let momentum = step["momentum"].as_f64().unwrap();
            sgd.update(&mut parameters, &gradient, rate, momentum);
            close(&values(&parameters), &numbers(&step["param"]));
        }
    }
    let expected = &expected["momentum_schedule"];
    let schedule = MomentumSchedule { first: 0.5, last: 0.7, epochs: 250 };
    let epochs: Vec<u64> = serde_json::from_value(expected["epoch"].clone()).unwrap();
    for (epoch, momentum) in epochs.iter().zip(numbers(&expected["momentum"])) {
        assert!((schedule.at(*epoch) - momentum).abs() < 1e-12, "epoch {epoch}");
    }
    assert_eq!(Schedule::ExponentialDecay.lr_factor(after(10_000_000)), 1e-5);
}
