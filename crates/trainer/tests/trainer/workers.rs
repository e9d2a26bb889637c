//! Data parallelism: a step in two shards equals the step on the whole batch.

use gan_config::{LipschitzConstraint, PenaltyKind, Settings, Update, presets};
use gan_trainer::workers::Gradient;
use gan_trainer::{Gan, StepHyperparams, StepStats, Workers};
use tch::{Kind, Tensor};

use crate::{SGD, bars_for, lock_generator, new_gan, settings, values, with};

const RATES: StepHyperparams = StepHyperparams { lr_d: 1e-3, lr_g: 1e-3, momentum: 0.0 };

/// Settings of `modern` with gradient descent. Adam's first step divides tiny gradients
/// by their size, so that rounding errors decide it.
fn with_sgd() -> Settings {
    Settings { optimizer: SGD, ..settings("modern") }
}

/// Runs `action` with libtorch set to two threads, on a machine of any size.
fn on_two_threads<T>(action: impl FnOnce() -> T) -> T {
    on_threads(2, action)
}

fn on_threads<T>(count: i32, action: impl FnOnce() -> T) -> T {
    let threads = tch::get_num_threads();
    tch::set_num_threads(count);
    let result = action();
    tch::set_num_threads(threads);
    result
}

fn parallel_gan(networks: &str, settings: &Settings) -> Gan {
    on_two_threads(|| new_gan(networks, settings))
}

/// Takes a step on `n` images.
fn step(gan: &mut Gan, n: usize) -> StepStats {
    let real = bars_for(gan, &[0, 3, 5, 7, 1, 2, 6][..n]);
    tch::manual_seed(7);
    gan.step(&real, RATES, true)
}

#[test]
fn a_step_in_shards_equals_the_step_on_the_whole_batch() {
    let _generator = lock_generator();
    let modern = with_sgd();
    let shared_latents = Settings { update: Update::SharedLatents, ..modern.clone() };
    let spectral_norm = Settings {
        lipschitz_constraint: Some(LipschitzConstraint::SpectralNorm),
        ..modern.clone()
    };
    // Unequal shards, equal ones, and a batch that cannot be split.
    for (networks, settings, n) in [
        ("modern", &modern, 7),
        ("modern", &modern, 2),
        ("modern", &modern, 1),
        ("modern-conditional", &modern, 7),
        ("modern", &shared_latents, 7),
        ("modern", &spectral_norm, 7),
    ] {
        let mut sharded = parallel_gan(networks, settings);
        let mut whole = new_gan(networks, settings);
        whole.workers = Workers::single_threaded();
        assert!(sharded.workers.is_parallel() && !whole.workers.is_parallel());
        let (a, b) = (step(&mut sharded, n), step(&mut whole, n));
        let close = |a: &Tensor, b: &Tensor| a.allclose(b, 1e-4, 1e-6, false);
        let parameters = |gan: &Gan| {
            [gan.discriminator.parameters.shallow_clone(), gan.generator.parameters.shallow_clone()]
        };
        let ([d, g], [d_whole, g_whole]) = (parameters(&sharded), parameters(&whole));
        assert!(close(&d, &d_whole), "{networks} {n}");
        assert!(close(&g, &g_whole), "{networks} {n}");
        assert!(close(&a.discriminator.loss, &b.discriminator.loss) && close(&a.loss_g, &b.loss_g));
        // In the order of the batch.
        assert!(close(&a.discriminator.real_logits, &b.discriminator.real_logits));
        assert!(close(&a.discriminator.fake_logits, &b.discriminator.fake_logits));
        assert_eq!(a.discriminator.real_logits.size(), [n as i64]);
    }
}

#[test]
fn steps_in_shards_give_the_same_bits_each_time() {
    let _generator = lock_generator();
    let settings = settings("modern");
    let once = || {
        let mut gan = parallel_gan("modern", &settings);
        step(&mut gan, 7);
        step(&mut gan, 6);
        (gan.generator.parameters, gan.discriminator.parameters)
    };
    let (first, again) = (once(), once());
    assert!(first.0.equal(&again.0) && first.1.equal(&again.1));
}

#[test]
fn only_networks_and_settings_that_allow_it_have_workers() {
    let _generator = lock_generator();
    for preset in presets() {
        let gan = parallel_gan(&preset.networks, &preset.settings);
        let expected = preset.name == "modern";
        assert_eq!(gan.workers.is_parallel(), expected, "{}", preset.name);
    }
    // These penalties draw random numbers, and a simultaneous step is one pass.
    let mut others = vec![with(settings("modern"), &["update=simultaneous"])];
    for kind in [PenaltyKind::GradientPenalty, PenaltyKind::Dragan] {
        let mut other = settings("modern");
        other.set_penalty(kind, 10.0);
        others.push(other);
    }
    for settings in others {
        let gan = parallel_gan("modern", &settings);
        assert!(!gan.workers.is_parallel(), "{settings:?}");
    }
}

#[test]
fn workers_share_libtorchs_threads_and_leave_the_callers_number_unchanged() {
    let _generator = lock_generator();
    let threads = tch::get_num_threads();
    let gan = parallel_gan("modern", &settings("modern"));
    assert_eq!(tch::get_num_threads(), threads);
    assert_eq!(gan.workers.threads(), [1, 1]);
    assert_eq!(tch::get_num_threads(), threads);
}

#[test]
fn each_worker_has_one_thread_and_at_least_four_images() {
    let _generator = lock_generator();
    for (threads, batch, workers, sizes) in [
        (1, 32, 1, vec![10]),
        (2, 32, 2, vec![5, 5]),
        (4, 32, 4, vec![2, 3, 2, 3]),
        (16, 12, 3, vec![3, 3, 4]),
        (4, 1024, 4, vec![2, 3, 2, 3]),
        (3, 1, 2, vec![5, 5]),
    ] {
        let made = on_threads(threads, || Workers::new(batch));
        if threads > 1 {
            assert_eq!(made.threads(), vec![1; workers], "threads: {threads}, batch: {batch}");
        }
        let mut found = Vec::new();
        let rows = Tensor::zeros([10, 1], (Kind::Float, tch::Device::Cpu));
        let _ = made.shards(10).map(|shard| found.push(shard.rows(&rows).size()[0]));
        assert_eq!(found, sizes, "threads: {threads}, batch: {batch}");
    }
}

#[test]
fn a_step_in_four_shards_equals_the_step_on_the_whole_batch() {
    let _generator = lock_generator();
    let settings = Settings { batch: 16, ..with_sgd() };
    let mut sharded = on_threads(4, || new_gan("modern", &settings));
    let mut whole = new_gan("modern", &settings);
    whole.workers = Workers::single_threaded();
    assert_eq!(sharded.workers.threads(), [1; 4]);
    for n in [7, 3] {
        let (a, b) = (step(&mut sharded, n), step(&mut whole, n));
        assert!(
            a.discriminator.real_logits.allclose(&b.discriminator.real_logits, 1e-4, 1e-6, false),
            "{n}"
        );
        assert!(a.loss_g.allclose(&b.loss_g, 1e-4, 1e-6, false), "{n}");
        let (g, g_whole) = (&sharded.generator.parameters, &whole.generator.parameters);
        assert!(g.allclose(g_whole, 1e-4, 1e-6, false), "{n}");
    }
}

/// The gradient of the mean of (x·p)² by p is the mean of 2·x·(x·p).
#[test]
fn workers_alone_average_the_shards_of_any_gradient() {
    let _generator = lock_generator();
    let workers = on_two_threads(|| Workers::new(5));
    assert!(workers.is_parallel());
    let rows = Tensor::from_slice(&[1.0f32, 0.0, 2.0, 1.0, 0.0, 3.0, -1.0, 1.0, 2.0, 2.0]);
    let rows = rows.view([5, 2]);
    let parameters = Tensor::from_slice(&[0.5f32, -1.0]);
    let gradient = |(rows, parameters): (Tensor, Tensor)| {
        let leaf = parameters.copy().set_requires_grad(true);
        let loss = rows.mv(&leaf).square().mean(Kind::Float);
        let mut gradients = Tensor::run_backward(&[&loss], &[&leaf], false, false);
        Gradient { flat: gradients.remove(0), aux: loss.detach(), images: rows.size()[0] }
    };
    let by_hand = |rows: &Tensor| {
        let products = rows.mv(&parameters);
        let n = rows.size()[0] as f64;
        (rows.tr().mv(&products) * (2.0 / n), products.square().mean(Kind::Float))
    };
    for n in [1, 2, 3, 5] {
        let batch = rows.narrow(0, 0, n);
        for workers in [&workers, &Workers::single_threaded()] {
            let shards = workers.shards(n);
            let shards = shards.map(|shard| (shard.rows(&batch), parameters.shallow_clone()));
            let (flat, loss) = workers.map(shards, gradient).average();
            let (expected, expected_loss) = by_hand(&batch);
            assert!(flat.allclose(&expected, 1e-6, 1e-6, false), "{n}");
            assert!(loss.allclose(&expected_loss, 1e-6, 1e-6, false), "{n}");
        }
    }
    // The shards are the rows of the batch in order.
    let mut seen = Vec::new();
    let _ = workers.shards(5).map(|shard| {
        seen.push(shard.rows(&rows).size()[0]);
        shard
    });
    assert_eq!(seen, [2, 3]);
    assert_eq!(values(&parameters), [0.5, -1.0]);
}
