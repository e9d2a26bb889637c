//! Steps: which network changes, by how much, and what the settings change in a step.

use gan_config::{LipschitzConstraint, Settings, Update, presets};
use gan_models::{Mode, PixelRange};
use gan_trainer::{Batch, DataLoader, Gan, Loss, Objective, StepHyperparams, resize};
use tch::{Device, Tensor};

use crate::{RATES, bars_for, four_bars, lock_generator, new_gan, settings, values, with};

/// Four real images for `gan`, or four numbers if its samples are numbers.
fn real_for(gan: &Gan) -> Batch {
    if gan.generator.network.image_side() == 1 {
        DataLoader::gaussian(Device::Cpu, 1).batch(0, 0, 4)
    } else {
        bars_for(gan, &[0, 3, 5, 7])
    }
}

/// Whether `action` changes the parameters of G and of D.
fn changes(gan: &mut Gan, action: impl FnOnce(&mut Gan)) -> (bool, bool) {
    let before = (gan.generator.parameters.copy(), gan.discriminator.parameters.copy());
    action(gan);
    (!before.0.equal(&gan.generator.parameters), !before.1.equal(&gan.discriminator.parameters))
}

#[test]
fn each_update_changes_its_own_network_only() {
    let _generator = lock_generator();
    for preset in presets() {
        let mut gan = new_gan(&preset.networks, &preset.settings);
        let real = real_for(&gan);
        let latents = gan.latents(real.len());
        let may_penalize = !gan.discriminator.network.uses_batch_statistics();
        for penalize in [false, may_penalize] {
            let by_d = changes(&mut gan, |gan| {
                let fake = gan.generate_fake(&latents, &real.labels);
                gan.discriminator_step(&real, &fake, RATES, penalize);
            });
            assert_eq!(by_d, (false, true), "{}, {penalize}", preset.name);
        }
        let by_g = changes(&mut gan, |gan| {
            let _ = gan.generator_step(&real, &latents, RATES);
        });
        assert_eq!(by_g, (true, false), "{}", preset.name);
    }
}

#[test]
fn a_step_is_a_function_of_the_seed() {
    let _generator = lock_generator();
    let settings = settings("modern");
    let after = |seed: i64| {
        let mut gan = new_gan("modern", &settings);
        let real = real_for(&gan);
        tch::manual_seed(seed);
        gan.step(&real, RATES, true);
        (gan.generator.parameters, gan.discriminator.parameters)
    };
    let (first, again, other) = (after(5), after(5), after(6));
    assert!(first.0.equal(&again.0) && first.1.equal(&again.1));
    assert!(!first.0.equal(&other.0) && !first.1.equal(&other.1));
}

/// With shared latents one forward pass of G serves both updates.
#[test]
fn a_step_with_shared_latents_equals_two_passes_on_the_same_latents() {
    let _generator = lock_generator();
    let settings = settings("golbin");
    assert_eq!(settings.update, Update::SharedLatents);
    let mut shared = new_gan("golbin", &settings);
    let real = four_bars(PixelRange::Unit);
    tch::manual_seed(9);
    shared.step(&real, RATES, false);

    let mut twice = new_gan("golbin", &settings);
    tch::manual_seed(9);
    let latents = twice.latents(real.len());
    let fake = twice.generate_fake(&latents, &real.labels);
    twice.discriminator_step(&real, &fake, RATES, false);
    let _ = twice.generator_step(&real, &latents, RATES);

    let [d_shared, d_twice] = [&shared, &twice].map(|gan| &gan.discriminator.parameters);
    assert!(d_shared.equal(d_twice));
    let [g_shared, g_twice] = [&shared, &twice].map(|gan| &gan.generator.parameters);
    assert!(g_shared.allclose(g_twice, 0.0, 1e-6, false));
}

#[test]
fn fifty_updates_of_d_alone_separate_real_from_fake() {
    let _generator = lock_generator();
    let mut gan = new_gan("golbin", &settings("golbin"));
    let real = four_bars(PixelRange::Unit);
    tch::manual_seed(4);
    let fake = gan.generate_fake(&gan.latents(real.len()), &real.labels);
    for _ in 0..50 {
        gan.discriminator_step(&real, &fake, RATES, false);
    }
    assert_eq!(gan.accuracy(&real, &fake), 1.0);
}

/// One pass over both would mix their batch statistics.
#[test]
fn fake_images_do_not_change_the_logits_of_real_ones_under_batch_norm() {
    let _generator = lock_generator();
    let mut gan = new_gan("dcgan", &settings("dcgan"));
    let real = bars_for(&gan, &[0, 1, 2, 3]);
    assert_eq!(real.images.size(), [4, 1, 32, 32]);
    let zeros = real.images.zeros_like();
    let noise = real.images.rand_like();
    let before = gan.discriminator.parameters.copy();
    let mut logits_beside = |fake: &Tensor| {
        gan.discriminator.parameters.copy_(&before);
        // The same dropout.
        tch::manual_seed(1);
        values(&gan.discriminator_step(&real, fake, RATES, false).real_logits)
    };
    assert_eq!(logits_beside(&zeros), logits_beside(&noise));
}

/// Beyond the limit the loss has its value at the limit.
#[test]
fn logits_beyond_the_limit_have_no_gradient() {
    let settings = settings("oshea");
    let loss = Loss::by_name(&settings.loss).unwrap();
    let objective = Objective::new(loss, &settings);
    let logits = Tensor::from_slice(&[-20.0f32, 0.5, 20.0]).set_requires_grad(true);
    // −ln(1e-7), the largest loss of O'Shea's G.
    let largest = objective.generator_loss(&logits, &logits.narrow(0, 0, 1));
    assert!((largest.double_value(&[]) + 1e-7f64.ln()).abs() < 1e-4);
    let loss = objective.generator_loss(&logits, &logits);
    let gradient = values(&Tensor::run_backward(&[loss], &[&logits], false, false)[0]);
    // −σ(−0.5) / 3 between the limits.
    let between = -1.0 / (1.0 + 0.5f64.exp()) / 3.0;
    assert_eq!((gradient[0], gradient[2]), (0.0, 0.0));
    assert!((gradient[1] - between).abs() < 1e-6, "{gradient:?}");
}

/// By hand: a 2×2 image at 4×4, output pixel i at source (i + ½)/2 − ½.
#[test]
fn resizing_is_bilinear_with_pixel_centers_at_halves() {
    let small = mnist_io::Images::new(2, 2, vec![0, 100, 200, 40]).unwrap();
    let large = resize(&small, 4).unwrap();
    let at = |position: usize| [(1.0, 0.0), (0.75, 0.25), (0.25, 0.75), (0.0, 1.0)][position];
    for (i, pixel) in large.pixels().iter().enumerate() {
        let ((top, bottom), (left, right)) = (at(i / 4), at(i % 4));
        let expected: f64 =
            top * (left * 0.0 + right * 100.0) + bottom * (left * 200.0 + right * 40.0);
        assert!((f64::from(*pixel) - expected).abs() <= 0.5, "{i}: {pixel} {expected}");
    }
    assert_eq!(resize(&small, 2).unwrap(), small);
}

/// G learns from D as it was before the step.
#[test]
fn a_simultaneous_step_computes_both_gradients_from_the_networks_before_it() {
    let _generator = lock_generator();
    let settings = Settings { update: Update::Simultaneous, ..settings("golbin") };
    let mut together = new_gan("golbin", &settings);
    let real = four_bars(PixelRange::Unit);
    tch::manual_seed(9);
    together.step(&real, RATES, false);

    let mut apart = new_gan("golbin", &settings);
    tch::manual_seed(9);
    let latents = apart.latents(real.len());
    let fake = apart.generate_fake(&latents, &real.labels);
    let _ = apart.generator_step(&real, &latents, RATES);
    apart.discriminator_step(&real, &fake, RATES, false);

    let same = |a: &Tensor, b: &Tensor| a.allclose(b, 1e-4, 1e-7, false);
    let [d, d_apart] = [&together, &apart].map(|gan| &gan.discriminator.parameters);
    let [g, g_apart] = [&together, &apart].map(|gan| &gan.generator.parameters);
    assert!(same(d, d_apart));
    assert!(same(g, g_apart));
}

#[test]
fn one_simultaneous_step_changes_both_networks_of_goodfellow_and_dcgan() {
    let _generator = lock_generator();
    for preset in ["goodfellow", "dcgan"] {
        let settings = settings(preset);
        assert_eq!(settings.update, Update::Simultaneous, "{preset}");
        let mut gan = new_gan(preset, &settings);
        let real = real_for(&gan);
        let both = changes(&mut gan, |gan| drop(gan.step(&real, RATES, false)));
        assert_eq!(both, (true, true), "{preset}");
    }
}

#[test]
fn one_step_of_every_preset_changes_both_networks_to_finite_values() {
    let _generator = lock_generator();
    for preset in presets() {
        let mut gan = new_gan(&preset.networks, &preset.settings);
        let real = real_for(&gan);
        let both = changes(&mut gan, |gan| drop(gan.step(&real, RATES, true)));
        assert_eq!(both, (true, true), "{}", preset.name);
        assert_eq!(gan.first_non_finite(), None, "{}", preset.name);
    }
}

#[test]
fn clipping_keeps_every_parameter_of_d_within_the_limit() {
    let _generator = lock_generator();
    let settings = Settings {
        lipschitz_constraint: Some(LipschitzConstraint::Clip { limit: 0.01 }),
        ..settings("modern")
    };
    let mut gan = new_gan("modern", &settings);
    let real = real_for(&gan);
    gan.step(&real, RATES, false);
    let largest = |x: &Tensor| x.abs().max().double_value(&[]);
    assert!(largest(&gan.discriminator.parameters) <= 0.01 + 1e-9);
    assert!(largest(&gan.generator.parameters) > 0.01);
}

/// Against singular value decompositions, after enough steps of the power iteration.
#[test]
fn spectral_norm_scales_every_weight_matrix_of_d_to_norm_one() {
    let _generator = lock_generator();
    let settings = Settings {
        lipschitz_constraint: Some(LipschitzConstraint::SpectralNorm),
        ..settings("modern")
    };
    let mut gan = new_gan("modern", &settings);
    let real = real_for(&gan);
    let check = |gan: &Gan, tolerance: f64| {
        let d = &gan.discriminator;
        let weights = d.network.layout().weights(&d.parameters);
        let vectors = gan.spectral_norm.as_ref().unwrap().vectors();
        let normalized = vectors.normalize_weights(&weights);
        let mut matrices = 0;
        for weight in normalized.tensors() {
            if weight.dim() > 1 {
                let (_, singular, _) = weight.flatten(1, -1).svd(true, false);
                let largest = singular.max().double_value(&[]);
                assert!((largest - 1.0).abs() < tolerance, "{largest}");
                matrices += 1;
            }
        }
        assert_eq!(matrices, 5);
        // D computes with these weights.
        let labels = Some(&real.labels);
        let logits = d.network.forward(&normalized, &real.images, labels, Mode::Eval);
        assert!(gan.logits(&real.images, &real.labels).equal(&logits));
    };
    check(&gan, 0.3);
    let still = StepHyperparams { lr_d: 1e-12, ..RATES };
    for _ in 0..40 {
        let fake = real.images.zeros_like();
        gan.discriminator_step(&real, &fake, still, false);
    }
    check(&gan, 0.02);
}

#[test]
fn each_regularizer_alone_changes_what_d_learns() {
    let _generator = lock_generator();
    let plain = with(settings("modern"), &["r1=0", "r2=0"]);
    let after = |settings: &Settings| {
        let mut gan = new_gan("modern", settings);
        let real = real_for(&gan);
        for _ in 0..2 {
            tch::manual_seed(5);
            gan.step(&real, RATES, !settings.penalties.is_empty());
        }
        let d = gan.discriminator.parameters;
        assert!(values(&d).iter().all(|x| x.is_finite()));
        d
    };
    let without = after(&plain);
    for set in
        ["r1=1", "r2=1", "gradient_penalty=10", "dragan=10", "clip=0.01", "spectral_norm=true"]
    {
        let with = after(&with(plain.clone(), &[set]));
        assert!(!with.equal(&without), "{set}");
    }
}
