//! What the user types, and the help that says what can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use gan_metrics::FULL;

const CACHE: &str = "data/cache";

/// Trains a generator (the counterfeiter) against a discriminator (the police)
/// on handwritten digits, and makes digits from what was trained.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub struct Forger {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train from noise to digits; pictures appear in the run's folder.
    #[command(after_help = TRAIN_EXAMPLES)]
    Train(TrainArgs),
    /// Make digits from a trained run.
    #[command(after_help = SAMPLE_EXAMPLES)]
    Sample(SampleArgs),
    /// Measure how good the digits of a run or of a file are, and whether they
    /// are new.
    #[command(after_help = EVALUATE_EXAMPLES)]
    Evaluate(EvaluateArgs),
    /// Train the classifier that the metrics classifier forgeries with, once more.
    TrainClassifier(TrainClassifierArgs),
    /// Measure speed, for `cargo xtask bench`; prints one JSON object.
    Bench(BenchArgs),
}

const TRAIN_EXAMPLES: &str = "Examples:
  cargo xtask train                            the default preset; minutes on 2 cores, two with bf16
  cargo xtask train --seconds 30               the whole schedule in half a minute
  cargo xtask train --preset golbin --seed 7   another system, another seed
  cargo xtask train --conditional              digits to order, with `sample --digit`
  cargo xtask train --data DIR                 another data set in MNIST's form, e.g. Fashion-MNIST
  cargo xtask train --set loss=wasserstein --set r1=0 --set r2=0 --set gradient_penalty=10
                                               change single settings: here WGAN-GP
  cargo xtask train --resume                   go on with the newest run, as if it had not stopped
  cargo xtask train --list                     the presets

Settings that --set overrides; a run's config.toml has them all with their values:
  loss                      minimax, non-saturating, least-squares, hinge, wasserstein or
                            relativistic-pairing
  loss_d_weight             factor on D's loss
  logit_limit               how far from 0 logits count; 0: no limit
  r1, r2                    penalties on D's gradient at originals and at forgeries; 0: none
  gradient_penalty, dragan  penalties that pull the length of D's gradient to 1; 0: none
  penalty_every             steps from one penalty to the next
  clip                      how far from 0 D's parameters may lie; 0: no limit
  spectral_norm             true or false: D's weight matrices by their greatest singular values
  lr_d, lr_g                learning rates
  schedule                  of both rates: constant, cosine, late, tenths, decay or notebook
  optimizer                 adam or sgd
  adam.beta1, adam.beta2, adam.epsilon, adam.epsilon_hat, adam.limit
  momentum.first, momentum.last, momentum.epochs    of sgd
  batch, images             originals in a step, and in the whole schedule
  train_images              train on the first so many of the set; 0: all
  with_replacement          true or false: draw originals at random, not epoch by epoch
  ema_images                half-life of the averaged G, in originals; 0: no average
  shared_latents            true or false: D and G learn from the same latents
  simultaneous              true or false: both learn from one pass
  pretrain_images, pretrain_batch    originals that D is trained on alone, and in a batch of them
  report_every, snapshot_every, evaluate_every    steps from one to the next; evaluate_every=0: none
docs/systems.md says where the losses and the regularizers come from.";

const SAMPLE_EXAMPLES: &str = "Examples:
  cargo xtask sample                                   64 digits of the newest run, sample.png
  cargo xtask sample --count 10000 --out digits.idx3   as an IDX file
  cargo xtask sample --digit 7                         sevens, of a run that was told digits";

const EVALUATE_EXAMPLES: &str = "Examples:
  cargo xtask evaluate                                the newest run
  cargo xtask evaluate --metrics fid,recall --json    two of the numbers, for a program
  cargo xtask evaluate --samples theirs.npz           forgeries of any other program
  cargo xtask evaluate --inception                    the FID of published tables too; an hour

docs/results.md explains the metrics.";

/// Options of `train`.
#[derive(Debug, Clone, Args)]
pub struct TrainArgs {
    /// The system to train.
    #[arg(long, value_name = "NAME", default_value = "modern")]
    pub preset: String,

    /// Tell G which digit to forge and D which digit it judges; for modern.
    #[arg(long)]
    pub conditional: bool,

    /// Print the presets and exit.
    #[arg(long)]
    pub list: bool,

    /// Go on with a run that was stopped or killed, from its newest whole
    /// checkpoint [default DIR: runs/latest]. Everything is as it was decided
    /// then; only --data (where the data set was moved), --cache and
    /// --checkpoint-every can be given beside it.
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "runs/latest",
        conflicts_with_all = ["preset", "conditional", "list", "steps", "seconds", "seed", "batch",
        "run", "runs", "device", "precision", "threads", "snapshot_every", "set"])]
    pub resume: Option<PathBuf>,

    /// Seconds between checkpoints; 0 for one at the end alone.
    #[arg(long, value_name = "S", default_value_t = 60.0)]
    pub checkpoint_every: f64,

    /// Stretch or shrink the schedule to so many steps.
    #[arg(long, value_name = "N", conflicts_with = "seconds")]
    pub steps: Option<u64>,

    /// Stretch or shrink the schedule to so many seconds of training, after D's
    /// own where a preset has that. How far it gets then depends on the machine;
    /// --steps is what can be repeated.
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    pub seconds: Option<f64>,

    /// What everything random follows from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Originals per step [default: the preset's].
    #[arg(long, value_name = "N")]
    pub batch: Option<u64>,

    /// Folder of four IDX files of 28x28 images, plain or gzip, named as MNIST's
    /// [default: data/mnist].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Folder of this run, new or empty [default: the next number under --runs].
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,

    /// Folder of numbered runs.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: PathBuf,

    /// Folder where what is known of data sets is kept.
    #[arg(long, value_name = "DIR", default_value = CACHE)]
    pub cache: PathBuf,

    /// Where to compute; auto takes the first CUDA device where there is one.
    #[arg(long, value_enum, default_value_t)]
    pub device: DeviceChoice,

    /// Arithmetic of the networks; auto takes bf16 on CUDA and where the processor
    /// has it. Parameters are f32 always.
    #[arg(long, value_enum, default_value_t)]
    pub precision: PrecisionChoice,

    /// Threads to compute with [default: as many as there are cores].
    #[arg(long, value_name = "N")]
    pub threads: Option<u64>,

    /// Steps between snapshots of the fixed latents [default: the preset's].
    #[arg(long, value_name = "N")]
    pub snapshot_every: Option<u64>,

    /// Override one setting of the preset; can be given many times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// Options of `sample`.
#[derive(Debug, Args)]
pub struct SampleArgs {
    /// The run to sample from.
    #[arg(long, value_name = "DIR", default_value = "runs/latest")]
    pub run: PathBuf,

    /// How many digits.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub count: u64,

    /// What the latents follow from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// The digit to forge, for conditional presets [default: 0 to 9 in turn].
    #[arg(long, value_name = "D", value_parser = clap::value_parser!(u8).range(0..=9))]
    pub digit: Option<u8>,

    /// Where to write: a picture (.png) or an IDX file (.idx3).
    #[arg(long, value_name = "FILE", default_value = "sample.png")]
    pub out: PathBuf,

    /// Threads to compute with [default: as many as there are cores].
    #[arg(long, value_name = "N")]
    pub threads: Option<u64>,
}

/// Options of `evaluate`.
#[derive(Debug, Args)]
pub struct EvaluateArgs {
    /// The run whose forgeries are measured [default: runs/latest].
    #[arg(long, value_name = "DIR", conflicts_with = "samples")]
    pub run: Option<PathBuf>,

    /// Forgeries of any program: an IDX file, or NumPy's .npy or .npz, uint8 of
    /// the shape (n, 28, 28) or (n, 1, 28, 28).
    #[arg(long, value_name = "FILE")]
    pub samples: Option<PathBuf>,

    /// Folder of the originals, four IDX files [default: those that the run was
    /// trained on, else data/mnist].
    #[arg(long, value_name = "DIR")]
    pub against: Option<PathBuf>,

    /// What to measure, as in fid,recall [default: everything].
    #[arg(long, value_name = "LIST")]
    pub metrics: Option<String>,

    /// Measure the FID of published tables too, with InceptionV3.
    #[arg(long)]
    pub inception: bool,

    /// The file of that network.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "data/inception.pt",
        requires = "inception"
    )]
    pub inception_file: PathBuf,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,

    /// How many forgeries, of a file the first; FID depends on it.
    #[arg(long, value_name = "N", default_value_t = FULL)]
    pub count: u64,

    /// What the forgeries of a run follow from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Folder where what is known of data sets is kept.
    #[arg(long, value_name = "DIR", default_value = CACHE)]
    pub cache: PathBuf,

    /// Threads to compute with [default: as many as there are cores].
    #[arg(long, value_name = "N")]
    pub threads: Option<u64>,
}

/// Options of `train-classifier`.
#[derive(Debug, Args)]
pub struct TrainClassifierArgs {
    /// Where to write the weights.
    #[arg(long, value_name = "FILE", default_value = "classifier.safetensors")]
    pub out: PathBuf,

    /// What everything random follows from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// How often each image is seen.
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..))]
    pub epochs: u64,

    /// Folder of the four IDX files, plain or gzip.
    #[arg(long, value_name = "DIR", default_value = "data/mnist")]
    pub data: PathBuf,

    /// Threads to compute with [default: as many as there are cores].
    #[arg(long, value_name = "N")]
    pub threads: Option<u64>,
}

/// Options of `bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// What to measure.
    #[command(subcommand)]
    pub measure: Measure,
}

/// What can be measured.
#[derive(Debug, Subcommand)]
pub enum Measure {
    /// Steps of training, nothing beside them.
    Steps(StepsArgs),
    /// A convolution and a matrix product: what the machine can do at most.
    Peak(MeasureArgs),
    /// Forgeries in bulk.
    Sampling(SystemArgs),
}

/// Options of `bench steps`.
#[derive(Debug, Args)]
pub struct StepsArgs {
    /// What is trained, and how it is measured.
    #[command(flatten)]
    pub system: SystemArgs,

    /// Originals per step [default: the preset's].
    #[arg(long, value_name = "N")]
    pub batch: Option<u64>,

    /// Times the channels that modern has.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub width: i64,

    /// Folder of the four IDX files, plain or gzip.
    #[arg(long, value_name = "DIR", default_value = "data/mnist")]
    pub data: PathBuf,
}

/// What is measured, and how.
#[derive(Debug, Args)]
pub struct SystemArgs {
    /// The system.
    #[arg(long, value_enum)]
    pub preset: System,

    /// How it is measured.
    #[command(flatten)]
    pub measure: MeasureArgs,
}

/// How something is measured.
#[derive(Debug, Args)]
pub struct MeasureArgs {
    /// How long, after a warm-up.
    #[arg(long, value_name = "S", default_value_t = 5.0)]
    pub seconds: f64,

    /// Threads to compute with [default: as many as there are cores].
    #[arg(long, value_name = "N")]
    pub threads: Option<u64>,

    /// Where to compute; auto takes the first CUDA device where there is one.
    #[arg(long, value_enum, default_value_t)]
    pub device: DeviceChoice,

    /// Arithmetic of the networks; auto takes bf16 on CUDA and where the processor
    /// has it.
    #[arg(long, value_enum, default_value_t)]
    pub precision: PrecisionChoice,
}

/// The systems whose arithmetic is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum System {
    /// The default.
    Modern,
    /// The usual 32×32 DCGAN.
    Dcgan,
    /// O'Shea's.
    Oshea,
    /// Two perceptrons.
    Golbin,
}

impl System {
    /// The preset's name.
    pub fn name(self) -> &'static str {
        match self {
            System::Modern => "modern",
            System::Dcgan => "dcgan",
            System::Oshea => "oshea",
            System::Golbin => "golbin",
        }
    }
}

/// Where to compute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum DeviceChoice {
    /// CUDA where there is a device, else the processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// The first CUDA device.
    Cuda,
}

/// Arithmetic of the networks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum PrecisionChoice {
    /// bf16 on CUDA and where the processor has it, else f32.
    #[default]
    Auto,
    /// 32-bit floating point.
    F32,
    /// bfloat16, with f32 parameters.
    Bf16,
}

#[cfg(test)]
mod tests {
    use gan_trainer::presets;

    use super::TRAIN_EXAMPLES;

    #[test]
    fn the_help_names_every_setting_and_no_other() {
        let settings = presets::all().remove(0).settings;
        let mut keys = settings.keys();
        let (_, told) = TRAIN_EXAMPLES.split_once("their values:\n").unwrap();
        let told = told.lines().filter_map(|line| line.strip_prefix("  "));
        let mut told: Vec<&str> = told
            .filter(|line| !line.starts_with(' '))
            .filter_map(|line| line.split("  ").next())
            .flat_map(|names| names.split(", "))
            .collect();
        keys.sort_unstable();
        told.sort_unstable();
        assert_eq!(told, keys);
    }
}
