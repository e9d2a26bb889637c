//! Networks and a loss of one's own train, stop and resume like those of the presets.

use std::path::Path;

use gan_config::{OptimizerConfig, Settings, Update};
use gan_models::layers::{Activation, ForwardContext, Layer, Linear};
use gan_models::{
    Calibration, Discriminator, ExportError, Generator, Graph, Init, LatentDistribution, Mode,
    Networks, ParamLayout, PixelRange, Weights,
};
use gan_trainer::{
    Checkpoint, Checkpointer, LOSSES, Loss, RandomStream, RunSampler, Sampler, Threshold,
    TrainConfig, TrainState, train,
};
use tch::{Kind, Tensor};

use crate::resuming::{Until, assert_same, resume};
use crate::training::{checkpointer, run_in, tensors};
use crate::{lock_generator, settings, train_on_bars, with};

/// A perceptron with one hidden layer of 12 units, from `inputs` to `outputs` numbers.
#[derive(Debug)]
struct Perceptron {
    layout: ParamLayout,
    hidden: Linear,
    output: Linear,
}

impl Perceptron {
    fn new(inputs: i64, outputs: i64) -> Perceptron {
        let mut layout = ParamLayout::new();
        let init = Init::torch_default(inputs);
        Perceptron {
            hidden: Linear::new(&mut layout, "hidden", inputs, 12, init),
            output: Linear::new(&mut layout, "output", 12, outputs, Init::normal(0.1)),
            layout,
        }
    }

    /// `[n, inputs]` → `[n, outputs]`.
    fn forward(&self, weights: &Weights, x: &Tensor) -> Tensor {
        let context = &ForwardContext { labels: None, mode: Mode::Train };
        let hidden = self.hidden.forward(weights, x, context);
        let hidden = Activation::LeakyRelu(0.2).forward(weights, &hidden, context);
        self.output.forward(weights, &hidden, context)
    }
}

/// Images of 14×14 pixels, which no network of `gan-models` generates.
const SIDE: i64 = 14;

#[derive(Debug)]
struct OwnGenerator(Perceptron);

impl Generator for OwnGenerator {
    fn layout(&self) -> &ParamLayout {
        &self.0.layout
    }
    fn latent(&self) -> LatentDistribution {
        LatentDistribution::Normal { size: 5 }
    }
    fn classes(&self) -> Option<i64> {
        None
    }
    fn image_side(&self) -> i64 {
        SIDE
    }
    fn pixel_range(&self) -> PixelRange {
        PixelRange::Symmetric
    }
    fn uses_batch_statistics(&self) -> bool {
        false
    }
    fn data_parallel(&self) -> bool {
        true
    }
    fn forward(&self, weights: &Weights, z: &Tensor, _: Option<&Tensor>, _: Mode) -> Tensor {
        let pixels = self.0.forward(weights, z).tanh();
        pixels.view([-1, 1, SIDE, SIDE])
    }
    fn to_graph(&self, _: &Weights, _: Option<Calibration>) -> Result<Graph, ExportError> {
        Err(ExportError::Unsupported("OwnGenerator".to_owned()))
    }
}

#[derive(Debug)]
struct OwnDiscriminator(Perceptron);

impl Discriminator for OwnDiscriminator {
    fn layout(&self) -> &ParamLayout {
        &self.0.layout
    }
    fn classes(&self) -> Option<i64> {
        None
    }
    fn uses_batch_statistics(&self) -> bool {
        false
    }
    fn data_parallel(&self) -> bool {
        true
    }
    fn forward(&self, weights: &Weights, images: &Tensor, _: Option<&Tensor>, _: Mode) -> Tensor {
        let pixels = images.reshape([-1, SIDE * SIDE]);
        self.0.forward(weights, &pixels).view([-1])
    }
    fn to_graph(&self, _: i64, _: &Weights, _: Option<Calibration>) -> Result<Graph, ExportError> {
        Err(ExportError::Unsupported("OwnDiscriminator".to_owned()))
    }
}

fn own_networks() -> Networks {
    Networks::new(
        OwnGenerator(Perceptron::new(5, SIDE * SIDE)),
        OwnDiscriminator(Perceptron::new(SIDE * SIDE, 1)),
    )
}

/// The squared hinge loss, which `gan-trainer` does not have.
const SQUARED_HINGE: Loss = Loss {
    name: "squared-hinge",
    discriminator: |real, fake| {
        let margin = |x: Tensor| x.relu().square().mean(Kind::Float);
        margin(1.0f64 - real) + margin(fake + 1.0)
    },
    generator: |_, fake| -fake.mean(Kind::Float),
    generator_uses_real: false,
    threshold: Threshold::Fixed(0.0),
};

/// Six steps of 10 images with every part that has a state: penalties, an average,
/// spectral normalization, pretraining.
fn own_settings(update: Update) -> Settings {
    let mut settings = with(
        settings("golbin"),
        &[
            "images=60",
            "batch=10",
            "train_images=0",
            "r1=0.1",
            "penalty_every=2",
            "ema_images=20",
            "spectral_norm=true",
            "pretrain_images=20",
            "report_every=1",
            "snapshot_every=4",
        ],
    );
    settings.update = update;
    settings
}

#[test]
fn own_networks_and_an_own_loss_train_stop_and_resume_in_both_precisions() {
    let _generator = lock_generator();
    assert!(LOSSES.iter().all(|loss| loss.name != SQUARED_HINGE.name));
    let data = train_on_bars(24);
    let mut results = Vec::new();
    for dtype in [Kind::Float, Kind::BFloat16] {
        for update in [Update::Alternating, Update::Simultaneous] {
            let config = TrainConfig {
                dtype,
                ..TrainConfig::new(own_settings(update), "own", own_networks(), SQUARED_HINGE)
            };
            assert_eq!(config.settings.loss, SQUARED_HINGE.name);
            let dir = tempfile::tempdir().unwrap();
            let [a, b] = ["a", "b"].map(|name| dir.path().join(name));
            let create = |root: &Path| Checkpointer::create(root, "own system", &config, &data);
            let train_until = |checkpointer: &mut Checkpointer, rows| -> TrainState {
                train(&config, &data, checkpointer, &mut Until(rows)).unwrap()
            };
            let mut checkpointer = create(&a).unwrap();
            let uninterrupted = checkpointer.run_dir().clone();
            let whole = train_until(&mut checkpointer, 99);
            assert_eq!((whole.step, whole.finished), (6, true));

            let mut checkpointer = create(&b).unwrap();
            let stopped = checkpointer.run_dir().clone();
            let first = train_until(&mut checkpointer, 3);
            assert_eq!((first.step, first.finished), (3, false));
            drop(checkpointer);
            let (mut checkpointer, skipped) = resume(&stopped).unwrap();
            assert_eq!(skipped, [""; 0]);
            assert_eq!(checkpointer.resume_state().unwrap().step, 3);
            let rest = train_until(&mut checkpointer, 99);
            assert_eq!((rest.step, rest.finished), (6, true));
            drop(checkpointer);
            assert_same(&uninterrupted, &stopped, &format!("{dtype:?} {update:?}"));
            assert!(resume(&stopped).unwrap().0.is_complete(false).unwrap());

            let written = stopped.config().unwrap();
            assert_eq!((&*written.preset, &*written.networks), ("own system", "own"));
            assert_eq!(written.settings, config.settings);
            // Only the caller can build these networks again, to sample from them.
            let (_, path) = stopped.newest_checkpoint().unwrap().unwrap();
            let generator = own_networks().generator;
            let checkpoint = Checkpoint::read(&stopped, &path).unwrap();
            let parameters = checkpoint.generator_inference_parameters(generator.layout()).unwrap();
            let sampler = Sampler::new(generator, &parameters, dtype, 10);
            let samples = sampler.sample((1, RandomStream::Sample), 3, None, &mut |_| ());
            assert_eq!(samples.unwrap().len(), 3);
            let refused = RunSampler::open(&stopped).unwrap_err().to_string();
            assert!(refused.contains("config.toml"), "{refused}");
            assert!(refused.contains("networks own"), "{refused}");
            let rows = stopped.metrics().unwrap();
            assert!(rows.iter().all(|row| row.loss_d.is_finite()));
            let last = mnist_io::Images::read_file(&stopped.snapshot_path(6)).unwrap();
            let side = SIDE as usize;
            assert_eq!((last.rows(), last.cols()), (side, side));
            results.push(tensors(&stopped, 6));
        }
    }
    // Each case computes something else.
    for (i, a) in results.iter().enumerate() {
        assert!(results[..i].iter().all(|b| a != b), "{i}");
    }
}

/// The loss is not one of the settings' losses, so it has no rule for D's bound.
#[test]
fn an_own_loss_is_accepted_by_the_settings_and_its_value_is_reported() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(&dir, "run");
    let constant = Loss {
        name: "constant",
        discriminator: |real, fake| (real - fake).mean(Kind::Float) * 0.0 + 2.5,
        generator: |_, fake| fake.mean(Kind::Float) * 0.0 + 1.5,
        generator_uses_real: false,
        threshold: Threshold::Midpoint,
    };
    let mut settings = with(settings("golbin"), &["batch=10", "images=20", "train_images=0"]);
    settings.loss_d_weight = 2.0;
    assert!(matches!(settings.optimizer, OptimizerConfig::Adam(_)));
    settings.report_every = 1;
    let config = TrainConfig::new(settings, "own", own_networks(), constant);
    let data = train_on_bars(24);
    train(&config, &data, &mut checkpointer(&run), &mut ()).unwrap();
    let rows = run.metrics().unwrap();
    let losses: Vec<_> = rows.iter().map(|row| (row.loss_d, row.loss_g)).collect();
    assert_eq!(losses, [(5.0, 1.5); 2]);
}
