//! D's update against the slope of its objective in f64, and the objective alone.

use gan_config::{Penalty, PenaltyKind, Settings};
use gan_models::{Mode, PixelRange, Weights};
use gan_trainer::penalties::{interpolate, perturb};
use gan_trainer::{Batch, Gan, LOSSES, Loss, Objective, StepHyperparams, Threshold};
use tch::{Device, Kind, Tensor};

use crate::{SGD, four_bars, lock_generator, new_gan, settings, values};

/// At this rate gradient descent subtracts the gradient.
const RATES: StepHyperparams = StepHyperparams { lr_d: 1.0, lr_g: 0.0, momentum: 0.0 };
const SEED: i64 = 11;

/// Logits of `images`, and the squared length of the gradient at each.
fn logits_and_slopes(gan: &Gan, weights: &Weights, images: &Tensor) -> (Vec<f64>, Vec<f64>) {
    let images = images.to_kind(Kind::Double).detach().set_requires_grad(true);
    let d = gan.discriminator.network.as_ref();
    let logits = d.forward(weights, &images, None, Mode::Train);
    let gradient = &Tensor::run_backward(&[logits.sum(Kind::Double)], &[&images], false, false)[0];
    let squared = (gradient * gradient).flatten(1, -1).sum_dim_intlist(1, false, Kind::Double);
    (values(&logits.detach()), values(&squared))
}

fn mean(numbers: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = numbers.len() as f64;
    numbers.sum::<f64>() / n
}

/// The pairing loss and the penalties by their formulas, with random numbers from
/// [`SEED`] in the order of the step.
fn value(gan: &Gan, settings: &Settings, weights: &Weights, real: &Batch, fake: &Tensor) -> f64 {
    let images = &real.images;
    let (real_logits, at_real) = logits_and_slopes(gan, weights, images);
    let (fake_logits, at_fake) = logits_and_slopes(gan, weights, fake);
    let pairs = real_logits.iter().zip(&fake_logits);
    let loss = mean(pairs.map(|(r, f)| (1.0 + (f - r).exp()).ln()));
    let unit_length = |points: &Tensor| {
        let (_, squared) = logits_and_slopes(gan, weights, points);
        mean(squared.iter().map(|squared| (squared.sqrt() - 1.0).powi(2)))
    };
    let shares = || Tensor::rand([4, 1, 1, 1], (Kind::Float, Device::Cpu));
    tch::manual_seed(SEED);
    let penalties = settings.penalties.iter().map(|&Penalty { kind, weight }| {
        weight
            * match kind {
                PenaltyKind::R1 => 0.5 * mean(at_real.iter().copied()),
                PenaltyKind::R2 => 0.5 * mean(at_fake.iter().copied()),
                PenaltyKind::GradientPenalty => unit_length(&interpolate(images, fake, &shares())),
                PenaltyKind::Dragan => {
                    let noise = images.rand_like();
                    unit_length(&perturb(images, &noise, &shares()))
                }
            }
    });
    let penalties: f64 = penalties.sum();
    settings.loss_d_weight * loss + settings.penalty_every as f64 * penalties
}

#[test]
fn d_descends_along_the_slope_of_its_loss_and_of_each_penalty() {
    let _generator = lock_generator();
    for penalty in [
        None,
        Some((PenaltyKind::R1, 0.7)),
        Some((PenaltyKind::R2, 1.3)),
        Some((PenaltyKind::GradientPenalty, 3.0)),
        Some((PenaltyKind::Dragan, 5.0)),
    ] {
        let settings = Settings {
            penalties: penalty.map(|(kind, weight)| Penalty { kind, weight }).into_iter().collect(),
            penalty_every: 16,
            loss_d_weight: 0.5,
            optimizer: SGD,
            ..settings("modern")
        };
        let mut gan = new_gan("modern", &settings);
        let real = four_bars(PixelRange::Symmetric);
        assert_eq!(gan.generator.network.pixel_range(), PixelRange::Symmetric);
        let fake = gan.generate_fake(&gan.latents(real.len()), &real.labels);
        let before = gan.discriminator.parameters.copy();
        tch::manual_seed(SEED);
        gan.discriminator_step(&real, &fake, RATES, penalty.is_some());
        let network = gan.discriminator.network.clone();
        let layout = network.layout();
        let gradient = layout.weights(&(&before - &gan.discriminator.parameters));

        let probed = before.to_kind(Kind::Double);
        let weights = layout.weights(&probed);
        for (i, (weight, gradient)) in weights.tensors().iter().zip(gradient.tensors()).enumerate()
        {
            // Where the slope is steepest.
            let flat = gradient.contiguous().view([-1]);
            let at = flat.abs().argmax(0, false).int64_value(&[]);
            let found = flat.double_value(&[at]);
            let chosen = flat.zeros_like();
            let _ = chosen.narrow(0, at, 1).fill_(1e-6);
            let step = chosen.view_as(weight).to_kind(Kind::Double);
            let value = || value(&gan, &settings, &weights, &real, &fake);
            let _ = weight.shallow_clone().g_add_(&step);
            let above = value();
            let _ = weight.shallow_clone().g_sub_(&(&step * 2.0));
            let slope = (above - value()) / 2e-6;
            let _ = weight.shallow_clone().g_add_(&step);
            let name = &layout.params()[i].name;
            let tolerance = 1e-3 * slope.abs() + 1e-7;
            assert!((found - slope).abs() < tolerance, "{penalty:?} {name}: {found} {slope}");
        }
    }
}

/// D(x) = ½ a·Σx² without a network; its gradient at x is a·x.
struct Quadratic {
    a: Tensor,
}

impl Quadratic {
    fn logits(&self, images: &Tensor) -> Tensor {
        let sums = images.square().flatten(1, -1);
        sums.sum_dim_intlist(1, false, Kind::Float) * &self.a * 0.5
    }
}

/// Two images of 1×2 pixels with squared lengths 25 and 4.
fn two_images(first: [f32; 2], second: [f32; 2]) -> Tensor {
    Tensor::from_slice(&[first, second].concat()).view([2, 1, 1, 2])
}

#[track_caller]
fn close(actual: &Tensor, expected: f64) {
    let actual = actual.double_value(&[]);
    assert!(
        (actual - expected).abs() < 1e-5 * expected.abs().max(1.0),
        "{actual} instead of {expected}"
    );
}

/// With a = 0.5: logits 6.25 and 1 of real images, 0.25 and 2.25 of fake ones; squared
/// gradients 6.25 and 1, 0.25 and 2.25.
#[test]
fn an_objective_alone_with_a_closure_for_d_equals_numbers_by_hand() {
    let quadratic = Quadratic { a: Tensor::from(0.5f32).set_requires_grad(true) };
    let discriminate = |images: &Tensor| quadratic.logits(images);
    let real = two_images([3.0, 4.0], [2.0, 0.0]);
    let fake = two_images([1.0, 0.0], [0.0, 3.0]);
    let objective = |penalties: &[Penalty]| Objective {
        loss: Loss::by_name("wasserstein").unwrap(),
        loss_d_weight: 0.5,
        logit_limit: None,
        penalties: penalties.to_vec(),
        penalty_factor: 2.0,
    };
    let penalty = |kind, weight| Penalty { kind, weight };
    let (r1, r2) = (penalty(PenaltyKind::R1, 3.0), penalty(PenaltyKind::R2, 5.0));
    // Mean real logit 3.625·a/0.5, mean fake logit 1.25: half of 1.25 − 3.625.
    let loss = 0.5 * (1.25 - 3.625);
    // 2 · γ/2 · mean squared gradient.
    let (at_real, at_fake) = (3.0 * 3.625, 5.0 * 1.25);
    for (penalties, expected, slope) in [
        (&[][..], loss, loss / 0.5),
        (&[r1], loss + at_real, loss / 0.5 + 2.0 * at_real / 0.5),
        (&[r2], loss + at_fake, loss / 0.5 + 2.0 * at_fake / 0.5),
        (&[r1, r2], loss + at_real + at_fake, loss / 0.5 + 2.0 * (at_real + at_fake) / 0.5),
    ] {
        for one_pass in [false, true] {
            let objective = objective(penalties);
            let output = objective.discriminator_loss(&discriminate, &real, &fake, one_pass, true);
            assert_eq!(values(&output.real_logits), [6.25, 1.0]);
            assert_eq!(values(&output.fake_logits), [0.25, 2.25]);
            close(&output.loss, loss);
            close(&output.loss_with_penalties, expected);
            // The loss is linear in a, the squared gradients are quadratic.
            let gradient =
                Tensor::run_backward(&[&output.loss_with_penalties], &[&quadratic.a], false, false);
            close(&gradient[0], slope);
            // In steps without penalties the objective is the loss.
            let output = objective.discriminator_loss(&discriminate, &real, &fake, one_pass, false);
            close(&output.loss_with_penalties, loss);
        }
    }
    // G's loss: minus the mean fake logit, without the factor on D's.
    let (real, fake) = (quadratic.logits(&real), quadratic.logits(&fake));
    close(&objective(&[]).generator_loss(&real, &fake), -1.25);
}

/// Real and fake images coincide, so that every point between them does too, and a
/// batch of equal pixels has no deviation to perturb by.
#[test]
fn unit_length_penalties_alone_equal_numbers_by_hand() {
    let _generator = lock_generator();
    let quadratic = Quadratic { a: Tensor::from(0.5f32).set_requires_grad(true) };
    let discriminate = |images: &Tensor| quadratic.logits(images);
    let images = two_images([2.0, 2.0], [2.0, 2.0]);
    for kind in [PenaltyKind::GradientPenalty, PenaltyKind::Dragan] {
        let objective = Objective {
            loss: Loss::by_name("wasserstein").unwrap(),
            loss_d_weight: 1.0,
            logit_limit: None,
            penalties: vec![Penalty { kind, weight: 10.0 }],
            penalty_factor: 1.0,
        };
        // The gradient a·x has length a·√8.
        let length = 0.5 * 8.0f64.sqrt();
        for one_pass in [false, true] {
            let output =
                objective.discriminator_loss(&discriminate, &images, &images, one_pass, true);
            close(&output.loss, 0.0);
            close(&output.loss_with_penalties, 10.0 * (length - 1.0).powi(2));
            let gradient =
                Tensor::run_backward(&[&output.loss_with_penalties], &[&quadratic.a], false, false);
            close(&gradient[0], 20.0 * (length - 1.0) * 8.0f64.sqrt());
        }
    }
}

#[test]
fn an_objective_with_a_loss_of_ones_own_calls_its_functions() {
    let own = Loss {
        name: "logit-difference",
        discriminator: |real, fake| (fake - real).square().mean(Kind::Float),
        generator: |real, fake| (real * fake).mean(Kind::Float),
        generator_uses_real: true,
        threshold: Threshold::Fixed(0.25),
    };
    assert!(LOSSES.iter().all(|loss| loss.name != own.name));
    let settings = Settings { loss_d_weight: 3.0, logit_limit: Some(2.0), ..settings("golbin") };
    let objective = Objective::new(own, &settings);
    let discriminate = |images: &Tensor| images.flatten(1, -1).narrow(1, 0, 1).view([-1]);
    let (real, fake) = (two_images([1.0, 0.0], [5.0, 0.0]), two_images([-1.0, 0.0], [0.5, 0.0]));
    let output = objective.discriminator_loss(&discriminate, &real, &fake, true, true);
    // Logits 1, 5 → 2 and −1, 0.5: differences −2 and −1.5.
    close(&output.loss, 3.0 * (4.0 + 2.25) / 2.0);
    assert_eq!(values(&output.real_logits), [1.0, 5.0]);
    close(&objective.generator_loss(&output.real_logits, &output.fake_logits), 0.0);
    let threshold = own.threshold(&output.real_logits, &output.fake_logits);
    close(&threshold, 0.25);
}
