//! Losses and penalties against their formulas, evaluated one number at a time.

use gan_trainer::losses::Loss;
use gan_trainer::penalties::squared_gradient;
use tch::{Kind, Tensor};

use crate::values;

/// Logits from tame to extreme.
const REAL: [f64; 6] = [0.0, 1.5, -2.0, 30.0, -30.0, 0.25];
const FAKE: [f64; 6] = [0.0, -1.0, 3.0, -40.0, 25.0, 0.75];

const LOSSES: [Loss; 6] = [
    Loss::Minimax,
    Loss::NonSaturating,
    Loss::LeastSquares,
    Loss::Hinge,
    Loss::Wasserstein,
    Loss::RelativisticPairing,
];

/// −log σ(x), by the definition where it is exact enough and by its limit
/// elsewhere.
fn minus_log_sigmoid(x: f64) -> f64 {
    if x < -20.0 {
        -x + x.exp()
    } else {
        -(1.0 / (1.0 + (-x).exp())).ln()
    }
}

fn mean(pairs: impl Fn(f64, f64) -> f64) -> f64 {
    REAL.iter()
        .zip(FAKE)
        .map(|(r, f)| pairs(*r, f))
        .sum::<f64>()
        / REAL.len() as f64
}

fn tensors() -> (Tensor, Tensor) {
    let float = |x: &[f64]| Tensor::from_slice(x).to_kind(Kind::Float);
    (float(&REAL), float(&FAKE))
}

#[track_caller]
fn close(actual: f64, expected: f64) {
    assert!(
        (actual - expected).abs() <= 1e-5 * expected.abs().max(1.0),
        "{actual} instead of {expected}"
    );
}

#[test]
fn each_loss_is_its_formula() {
    let (real, fake) = tensors();
    let d = |loss: Loss| loss.discriminator(&real, &fake).double_value(&[]);
    let g = |loss: Loss| loss.generator(&real, &fake).double_value(&[]);

    let cross_entropy = mean(|r, f| minus_log_sigmoid(r) + minus_log_sigmoid(-f));
    close(d(Loss::Minimax), cross_entropy);
    close(d(Loss::NonSaturating), cross_entropy);
    // log(1 − σ(f)) = −(−log σ(−f)).
    close(g(Loss::Minimax), mean(|_, f| -minus_log_sigmoid(-f)));
    close(g(Loss::NonSaturating), mean(|_, f| minus_log_sigmoid(f)));
    let squares = |r: f64, f: f64| ((r - 1.0).powi(2) + f * f) / 2.0;
    close(d(Loss::LeastSquares), mean(squares));
    close(g(Loss::LeastSquares), mean(|_, f| (f - 1.0).powi(2) / 2.0));
    let margins = |r: f64, f: f64| (1.0 - r).max(0.0) + (1.0 + f).max(0.0);
    close(d(Loss::Hinge), mean(margins));
    close(g(Loss::Hinge), mean(|_, f| -f));
    close(d(Loss::Wasserstein), mean(|r, f| f - r));
    close(g(Loss::Wasserstein), mean(|_, f| -f));
    close(
        d(Loss::RelativisticPairing),
        mean(|r, f| minus_log_sigmoid(r - f)),
    );
    close(
        g(Loss::RelativisticPairing),
        mean(|r, f| minus_log_sigmoid(f - r)),
    );
}

#[test]
fn gradients_stay_finite_at_extreme_logits() {
    for loss in LOSSES {
        let real = Tensor::from_slice(&[500.0f32, -500.0]).set_requires_grad(true);
        let fake = Tensor::from_slice(&[-500.0f32, 500.0]).set_requires_grad(true);
        let both = loss.discriminator(&real, &fake) + loss.generator(&real, &fake);
        let gradients = Tensor::run_backward(&[both], &[&real, &fake], false, false);
        for gradient in &gradients {
            assert!(values(gradient).iter().all(|g| g.is_finite()), "{loss:?}");
        }
    }
}

#[test]
fn a_loss_that_does_not_compare_ignores_the_originals() {
    let (real, fake) = tensors();
    for loss in LOSSES {
        let with = loss.generator(&real, &fake).double_value(&[]);
        let without = loss.generator(&fake, &fake).double_value(&[]);
        assert_eq!(with != without, loss.compares(), "{loss:?}");
    }
}

#[test]
fn the_verdict_of_a_comparing_loss_does_not_depend_on_a_common_offset() {
    let (real, fake) = tensors();
    let above = |loss: Loss, offset: f64| {
        let (real, fake) = (&real + offset, &fake + offset);
        values(&real.gt_tensor(&loss.threshold(&real, &fake)))
    };
    for loss in [Loss::RelativisticPairing, Loss::Wasserstein] {
        assert_eq!(above(loss, 0.0), above(loss, 64.0), "{loss:?}");
    }
    assert_eq!(above(Loss::LeastSquares, 0.0), [0., 1., 0., 1., 0., 0.]);
    assert_eq!(above(Loss::NonSaturating, 0.0), [0., 1., 0., 1., 0., 1.]);
}

/// For D(x) = Σ a·x², ∇D = 2·a·x, and the penalty's own gradient with respect
/// to a is 8·a·x², summed.
#[test]
fn the_squared_gradient_and_its_gradient_are_those_of_a_quadratic() {
    let a = Tensor::from_slice(&[0.5f32, -1.0, 2.0]).set_requires_grad(true);
    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, -1.0, 0.5, 0.0])
        .view([2, 1, 1, 3])
        .set_requires_grad(true);
    let logits = (&x * &x * &a).sum_dim_intlist([1i64, 2, 3].as_slice(), false, Kind::Float);
    let squared = squared_gradient(&x, &logits);
    let expected = |x: [f64; 3]| {
        let terms = [0.5, -1.0, 2.0]
            .iter()
            .zip(x)
            .map(|(a, x)| (2.0 * a * x).powi(2));
        terms.sum::<f64>()
    };
    assert_eq!(
        values(&squared),
        [expected([1.0, 2.0, 3.0]), expected([-1.0, 0.5, 0.0])]
    );
    let gradient = Tensor::run_backward(&[squared.sum(Kind::Float)], &[&a], false, false);
    let of = |a: f64, xs: [f64; 2]| xs.iter().map(|x| 8.0 * a * x * x).sum::<f64>();
    assert_eq!(
        values(&gradient[0]),
        [
            of(0.5, [1.0, -1.0]),
            of(-1.0, [2.0, 0.5]),
            of(2.0, [3.0, 0.0])
        ]
    );
}
