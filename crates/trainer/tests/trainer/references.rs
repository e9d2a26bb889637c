//! Losses, penalties and optimizers against values that plain PyTorch computed
//! in f64; `reference/regularizers.py` says how.

use gan_trainer::losses::Loss;
use gan_trainer::optimizer::{Adam, AdamConfig, Sgd};
use gan_trainer::penalties::{around, between, off_unit_gradient, squared_gradient};
use gan_trainer::schedule::{Momentum, Schedule, Standing};
use serde_json::Value;
use tch::{Kind, Tensor};

use crate::values;

const LOSSES: [(&str, Loss); 6] = [
    ("minimax", Loss::Minimax),
    ("non_saturating", Loss::NonSaturating),
    ("least_squares", Loss::LeastSquares),
    ("hinge", Loss::Hinge),
    ("wasserstein", Loss::Wasserstein),
    ("relativistic", Loss::RelativisticPairing),
];

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

/// The two discriminators that the reference values are of.
struct Small {
    of: Value,
    params: Vec<(&'static str, Tensor)>,
}

impl Small {
    fn new(name: &str) -> Small {
        let of = reference()[name].clone();
        let params = ["w1", "b1", "w2", "b2"].map(|param| {
            let stored = &of["params"][param];
            let shape: Vec<i64> = serde_json::from_value(stored["shape"].clone()).unwrap();
            (
                param,
                tensor(&stored["data"], &shape).set_requires_grad(true),
            )
        });
        Small {
            of,
            params: params.into(),
        }
    }

    fn images(&self, side: &str) -> Tensor {
        let shape: Vec<i64> = serde_json::from_value(self.of[side]["shape"].clone()).unwrap();
        // Images have four dimensions everywhere in the trainer.
        let shape = match *shape.as_slice() {
            [n, numbers] => vec![n, 1, 1, numbers],
            _ => shape,
        };
        tensor(&self.of[side]["data"], &shape)
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

    /// The gradient of `value` by every parameter, against the stored one.
    #[track_caller]
    fn check(&self, value: &Tensor, expected: &Value, gradient: &str) {
        close(
            &[value.double_value(&[])],
            &[expected["value"].as_f64().unwrap()],
        );
        let params: Vec<&Tensor> = self.params.iter().map(|(_, p)| p).collect();
        let gradients = Tensor::run_backward(&[value], &params, true, false);
        for ((name, param), found) in self.params.iter().zip(&gradients) {
            let found = if found.defined() {
                values(found)
            } else {
                vec![0.0; param.numel()]
            };
            close(&found, &numbers(&expected[gradient][name]));
        }
    }
}

fn both() -> [Small; 2] {
    ["dense", "conv"].map(Small::new)
}

#[test]
fn losses_and_their_gradients_are_the_references() {
    for small in both() {
        let (originals, forgeries) = (small.images("real"), small.images("fake"));
        for (name, loss) in LOSSES {
            let expected = &small.of["losses"][name];
            let real = small.logits(&originals);
            let value = loss.discriminator(&real, &small.logits(&forgeries));
            small.check(&value, &expected["d"], "grad");

            let forgeries = forgeries.detach().set_requires_grad(true);
            let value = loss.generator(&real.detach(), &small.logits(&forgeries));
            close(
                &[value.double_value(&[])],
                &[expected["g"]["value"].as_f64().unwrap()],
            );
            let gradient = Tensor::run_backward(&[value], &[&forgeries], false, false);
            close(&values(&gradient[0]), &numbers(&expected["g"]["grad_fake"]));
        }
    }
}

#[test]
fn r1_and_r2_are_the_references() {
    for small in both() {
        for (name, side) in [("r1", "real"), ("r2", "fake")] {
            let expected = &small.of[name];
            let images = small.images(side).set_requires_grad(true);
            let squared = squared_gradient(&images, &small.logits(&images));
            let gamma = expected["gamma"].as_f64().unwrap();
            small.check(
                &(squared.mean(Kind::Double) * (gamma / 2.0)),
                expected,
                "grad",
            );
        }
    }
}

#[test]
fn the_penalties_of_wgan_gp_and_dragan_are_the_references() {
    for small in both() {
        let (originals, forgeries) = (small.images("real"), small.images("fake"));
        let n = originals.size()[0];
        let penalty = |points: Tensor, expected: &Value, lambda: &Value| {
            close(&values(&points), &numbers(&expected["x_hat"]));
            let points = points.detach().set_requires_grad(true);
            let off = off_unit_gradient(&points, &small.logits(&points)).mean(Kind::Double);
            small.check(&(off * lambda.as_f64().unwrap()), expected, "grad");
        };
        let expected = &small.of["wgan_gp"];
        let shares = tensor(&expected["epsilon"], &[n, 1, 1, 1]);
        let points = between(&originals, &forgeries, &shares);
        penalty(points, expected, &expected["lambda"]);

        let expected = &small.of["dragan"];
        let draws = tensor(&expected["u"], &originals.size());
        let shares = tensor(&expected["alpha"], &[n, 1, 1, 1]);
        let points = around(&originals, &draws, &shares);
        penalty(points, &expected["original"], &expected["lambda"]);
    }
}

#[test]
fn adam_is_the_reference() {
    let expected = reference()["adam"].clone();
    for name in ["default", "gan"] {
        let expected = &expected[name];
        let number = |key: &str| expected[key].as_f64().unwrap();
        let config = AdamConfig {
            beta1: number("beta1"),
            beta2: number("beta2"),
            epsilon: number("eps"),
            epsilon_hat: false,
            limit: 0.0,
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

fn after(updates: u64) -> Standing {
    Standing {
        done: 0.5,
        updates,
        batches: 1,
    }
}

/// Momentum as pylearn2 defines it, the rate lowered after each update.
#[test]
fn gradient_descent_is_the_reference() {
    let expected = reference()["pylearn2"].clone();
    for name in ["paper", "steep_decay"] {
        let expected = &expected[name];
        let mut parameters = tensor(&expected["param0"], &[-1]).to_kind(Kind::Float);
        let mut sgd = Sgd::new(&parameters);
        for (update, step) in expected["steps"].as_array().unwrap().iter().enumerate() {
            let gradient = tensor(&step["grad"], &[-1]).to_kind(Kind::Float);
            let rate = step["lr"].as_f64().unwrap();
            if name == "paper" {
                let ours = 0.1 * Schedule::Decay.factor(after(update as u64));
                assert!((ours - rate).abs() < 1e-12, "{ours} {rate}");
            }
            let momentum = step["momentum"].as_f64().unwrap();
            sgd.update(&mut parameters, &gradient, rate, momentum);
            close(&values(&parameters), &numbers(&step["param"]));
        }
    }
    let expected = &expected["momentum_schedule"];
    let schedule = Momentum {
        first: 0.5,
        last: 0.7,
        epochs: 250,
    };
    let epochs: Vec<u64> = serde_json::from_value(expected["epoch"].clone()).unwrap();
    for (epoch, momentum) in epochs.iter().zip(numbers(&expected["momentum"])) {
        assert!(
            (schedule.at(*epoch) - momentum).abs() < 1e-12,
            "epoch {epoch}"
        );
    }
    assert_eq!(Schedule::Decay.factor(after(10_000_000)), 1e-5);
}
