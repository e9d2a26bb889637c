//! Losses and penalties against their formulas, computed one number at a time.

use gan_trainer::penalties::squared_gradient_norm;
use gan_trainer::{LOSSES, Loss};
use tch::{Kind, Tensor};

use crate::values;

/// Moderate and extreme logits.
const REAL: [f64; 6] = [0.0, 1.5, -2.0, 30.0, -30.0, 0.25];
const FAKE: [f64; 6] = [0.0, -1.0, 3.0, -40.0, 25.0, 0.75];

/// −log σ(x), by its limit where the definition loses digits.
fn minus_log_sigmoid(x: f64) -> f64 {
    if x < -20.0 { -x + x.exp() } else { -(1.0 / (1.0 + (-x).exp())).ln() }
}

fn mean(pairs: impl Fn(f64, f64) -> f64) -> f64 {
    REAL.iter().zip(FAKE).map(|(r, f)| pairs(*r, f)).sum::<f64>() / REAL.len() as f64
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

fn loss(name: &str) -> Loss {
    Loss::by_name(name).unwrap()
}

#[test]
fn each_loss_equals_its_formula() {
    let (real, fake) = tensors();
    let d = |name| (loss(name).discriminator)(&real, &fake).double_value(&[]);
    let g = |name| (loss(name).generator)(&real, &fake).double_value(&[]);

    let cross_entropy = mean(|r, f| minus_log_sigmoid(r) + minus_log_sigmoid(-f));
    close(d("minimax"), cross_entropy);
    close(d("non-saturating"), cross_entropy);
    // log(1 − σ(f)) = −(−log σ(−f)).
    close(g("minimax"), mean(|_, f| -minus_log_sigmoid(-f)));
    close(g("non-saturating"), mean(|_, f| minus_log_sigmoid(f)));
    let squares = |r: f64, f: f64| ((r - 1.0).powi(2) + f * f) / 2.0;
    close(d("least-squares"), mean(squares));
    close(g("least-squares"), mean(|_, f| (f - 1.0).powi(2) / 2.0));
    let margins = |r: f64, f: f64| (1.0 - r).max(0.0) + (1.0 + f).max(0.0);
    close(d("hinge"), mean(margins));
    close(g("hinge"), mean(|_, f| -f));
    close(d("wasserstein"), mean(|r, f| f - r));
    close(g("wasserstein"), mean(|_, f| -f));
    let pairing = "relativistic-pairing";
    close(d(pairing), mean(|r, f| minus_log_sigmoid(r - f)));
    close(g(pairing), mean(|r, f| minus_log_sigmoid(f - r)));
}

#[test]
fn gradients_stay_finite_at_extreme_logits() {
    for loss in LOSSES {
        let real = Tensor::from_slice(&[500.0f32, -500.0]).set_requires_grad(true);
        let fake = Tensor::from_slice(&[-500.0f32, 500.0]).set_requires_grad(true);
        let both = (loss.discriminator)(&real, &fake) + (loss.generator)(&real, &fake);
        let gradients = Tensor::run_backward(&[both], &[&real, &fake], false, false);
        for gradient in &gradients {
            assert!(values(gradient).iter().all(|g| g.is_finite()), "{loss:?}");
        }
    }
}

#[test]
fn generator_uses_real_is_set_where_the_value_depends_on_the_real_logits() {
    let (real, fake) = tensors();
    for loss in LOSSES {
        let with = (loss.generator)(&real, &fake).double_value(&[]);
        let without = (loss.generator)(&fake, &fake).double_value(&[]);
        assert_eq!(with != without, loss.generator_uses_real, "{loss:?}");
    }
}

#[test]
fn a_common_offset_of_the_logits_changes_nothing_where_only_differences_count() {
    let (real, fake) = tensors();
    let above = |name, offset: f64| {
        let (real, fake) = (&real + offset, &fake + offset);
        values(&real.gt_tensor(&loss(name).threshold(&real, &fake)))
    };
    for name in ["relativistic-pairing", "wasserstein"] {
        assert_eq!(above(name, 0.0), above(name, 64.0), "{name}");
    }
    assert_eq!(above("least-squares", 0.0), [0., 1., 0., 1., 0., 0.]);
    assert_eq!(above("non-saturating", 0.0), [0., 1., 0., 1., 0., 1.]);
}

/// For D(x) = Σ a·x², ∇D = 2·a·x, and the derivative of ‖∇D‖² by a is Σ 8·a·x².
#[test]
fn the_squared_gradient_of_a_quadratic_and_its_derivative_equal_the_formulas() {
    let a = Tensor::from_slice(&[0.5f32, -1.0, 2.0]).set_requires_grad(true);
    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, -1.0, 0.5, 0.0])
        .view([2, 1, 1, 3])
        .set_requires_grad(true);
    let logits = (&x * &x * &a).sum_dim_intlist([1i64, 2, 3].as_slice(), false, Kind::Float);
    let squared = squared_gradient_norm(&x, &logits);
    let expected = |x: [f64; 3]| {
        let terms = [0.5, -1.0, 2.0].iter().zip(x).map(|(a, x)| (2.0 * a * x).powi(2));
        terms.sum::<f64>()
    };
    assert_eq!(values(&squared), [expected([1.0, 2.0, 3.0]), expected([-1.0, 0.5, 0.0])]);
    let gradient = Tensor::run_backward(&[squared.sum(Kind::Float)], &[&a], false, false);
    let of = |a: f64, xs: [f64; 2]| xs.iter().map(|x| 8.0 * a * x * x).sum::<f64>();
    assert_eq!(
        values(&gradient[0]),
        [of(0.5, [1.0, -1.0]), of(-1.0, [2.0, 0.5]), of(2.0, [3.0, 0.0])]
    );
}
