//! The options of `train`, and the settings that they stand for.

use std::ffi::OsStr;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Args, Command};
use gan_config::{Error, KEYS, LOSS_INFOS, LossInfo, Preset, Result, Settings, preset, presets};
use mnist_io::known::{KnownSet, MNIST};

use crate::Paths;
use crate::values::{
    DeviceChoice, PrecisionChoice, duration, known_set, positive, positive_seconds, threads, whole,
};

const EXAMPLES: &str = "\
Pictures of the progress appear in the folder of the run.

Examples:
  cargo xtask train                            the default preset: about two minutes with bf16
  cargo xtask train --list                     the presets
  cargo xtask train --preset golbin --seed 3   another preset, another seed
  cargo xtask train --seconds 30               the whole schedule in half a minute
  cargo xtask train --conditional              a generator for `sample --class`
  cargo xtask train --dataset fashion-mnist    images of clothing
  cargo xtask train --data ../letters          your own data set, in any format of `import`
  cargo xtask train --set loss=wasserstein --set r1=0 --set r2=0 --set gradient_penalty=10
                                               change single settings: here to WGAN-GP
  cargo xtask train --resume                   continue the newest run

Ctrl-C stops training and keeps the result so far; --resume continues it.";

/// Train a generator against a discriminator
#[derive(Debug, Clone, Args)]
#[command(after_help = short_help(), after_long_help = long_help())]
pub struct TrainArgs {
    /// Preset to train
    #[arg(long, value_name = "NAME", default_value = "modern", value_parser = PresetName)]
    pub preset: String,

    /// Give both networks the class, which `sample --class` then chooses; for modern
    #[arg(long)]
    pub conditional: bool,

    /// Print the presets and exit
    #[arg(long)]
    pub list: bool,

    /// Continue a run that was stopped or killed, from its newest valid checkpoint, with the
    /// options it was started with; only --data (if the data set was moved), --cache, --threads,
    /// --restart and --checkpoint-every can be given as well [default DIR: runs/latest]
    #[arg(long, value_name = "DIR", num_args = 0..=1,
        conflicts_with_all = ["preset", "conditional", "list", "steps", "seconds", "seed", "batch",
        "run", "runs", "dataset", "device", "precision", "snapshot_every", "set"])]
    pub resume: Option<Option<PathBuf>>,

    /// With --resume, if the run has no valid checkpoint: delete its rows, snapshots and
    /// checkpoints, and train it from the beginning; training then replaces its figures
    #[arg(long, requires = "resume")]
    pub restart: bool,

    /// Seconds between checkpoints; 0: only one, at the end
    #[arg(long, value_name = "S", default_value = "60", value_parser = duration,
        allow_negative_numbers = true)]
    pub checkpoint_every: Duration,

    /// Stretch or shrink the schedule to this number of steps
    #[arg(long, value_name = "N", conflicts_with = "seconds", value_parser = positive)]
    pub steps: Option<u64>,

    /// Stretch or shrink the schedule to this many seconds of training (pretraining of D not
    /// included); the result depends on the speed of the machine, with --steps it does not
    #[arg(long, value_name = "S", value_parser = positive_seconds, allow_negative_numbers = true)]
    pub seconds: Option<f64>,

    /// Random seed
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole)]
    pub seed: u64,

    /// Real images per step [default: the preset's]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub batch: Option<u64>,

    /// Data set to train on, fetched into data/NAME if it is missing [default: mnist]
    #[arg(long, value_name = "NAME", value_parser = known_set())]
    pub dataset: Option<&'static KnownSet>,

    /// Images to train on: a folder of IDX files named as MNIST's, or any source of
    /// the command `import` [default: that of --dataset]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Folder of this run, new or empty [default: the next number in the folder --runs]
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,

    /// Folder of numbered runs [default: runs]
    #[arg(long, value_name = "DIR")]
    pub runs: Option<PathBuf>,

    /// Folder for statistics of data sets [default: data/cache]
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,

    /// Where to compute
    #[arg(long, value_enum, default_value_t)]
    pub device: DeviceChoice,

    /// Arithmetic of the networks; parameters are always f32
    #[arg(long, value_enum, default_value_t)]
    pub precision: PrecisionChoice,

    /// Threads to compute with [default: one per core]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<u64>,

    /// Steps between snapshots of the fixed latents [default: the preset's]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub snapshot_every: Option<u64>,

    /// Change one setting of the preset; can be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// What the options of `train` stand for.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The preset, as it is defined.
    pub preset: &'static Preset,
    /// The name of the networks in `gan-models`.
    pub networks: &'static str,
    /// The preset's settings with the changes of the options.
    pub settings: Settings,
}

impl TrainArgs {
    /// The preset, networks and settings that the options stand for. The settings
    /// are checked; whether a data set has enough images is left to
    /// [`Settings::check_images`].
    ///
    /// # Errors
    /// The option or setting that cannot work, with the reason.
    pub fn resolve(&self) -> Result<Resolved> {
        let preset = preset(&self.preset)?;
        let networks = preset.networks(self.conditional)?;
        let mut settings = preset.settings.clone();
        let mut pairs: Vec<&str> = self.set.iter().map(String::as_str).collect();
        // In the order of the keys, an optimizer comes before its constants.
        pairs.sort_by_key(|pair| KEYS.iter().position(|key| key.name == key_of(pair)));
        for pair in &pairs {
            settings.set(pair)?;
        }
        self.refuse_options_without_effect(preset, &settings)?;
        if let Some(batch) = self.batch {
            settings.batch = batch;
        }
        if let Some(every) = self.snapshot_every {
            settings.snapshot_every = every;
        }
        // Before --steps, which multiplies by the batch.
        settings.check()?;
        if let Some(steps) = self.steps {
            let batches = settings.schedule.batches_for_steps(steps);
            settings.images = batches
                .and_then(|batches| batches.checked_mul(settings.batch))
                .filter(|images| i64::try_from(*images).is_ok())
                .ok_or_else(|| impossible("--steps", steps, "it needs more than 2^63 images"))?;
        }
        let own = |option| format!("{} generates its own data; leave {option} out", preset.name);
        match (&self.data, &self.dataset) {
            (Some(data), _) if preset.synthetic => {
                Err(impossible("--data", data.display(), &own("--data")))
            }
            (_, Some(set)) if preset.synthetic => {
                Err(impossible("--dataset", set.name, &own("--dataset")))
            }
            _ => Ok(Resolved { preset, networks, settings }),
        }
    }

    /// Refuses options that change nothing, because of another option or of the settings.
    fn refuse_options_without_effect(&self, preset: &Preset, settings: &Settings) -> Result<()> {
        let length = [("--steps", self.steps.is_some()), ("--seconds", self.seconds.is_some())];
        let option = |key| match key {
            "batch" if self.batch.is_some() => Some("--batch"),
            "snapshot_every" if self.snapshot_every.is_some() => Some("--snapshot-every"),
            "images" => length.iter().find(|(_, given)| *given).map(|(option, _)| *option),
            _ => None,
        };
        let logits = LossInfo::find(&settings.loss).is_some_and(|loss| !loss.uses_probabilities);
        for (i, pair) in self.set.iter().enumerate() {
            let key = key_of(pair);
            let reason = if let Some(option) = option(key) {
                format!("{option} sets the same; leave one of the two out")
            } else if let Some(earlier) = self.set[..i].iter().find(|pair| key_of(pair) == key) {
                format!("--set {earlier} sets the same; leave one of the two out")
            } else if key == "penalty_every" && settings.penalties.is_empty() {
                "there is no penalty; set r1, r2, gradient_penalty or dragan too".to_owned()
            } else if key == "logit_limit" && logits && settings.logit_limit.is_some() {
                format!("the loss {} does not clamp logits; leave it out", settings.loss)
            } else if preset.synthetic && ["train_images", "evaluate_every"].contains(&key) {
                format!("{} generates its own data; leave it out", preset.name)
            } else {
                continue;
            };
            let value = pair.split_once('=').map_or("", |(_, value)| value.trim());
            return Err(Error::NoEffect { pair: format!("{key}={value}"), reason });
        }
        Ok(())
    }

    /// The folder of the data set.
    pub fn data_dir(&self, paths: &Paths) -> PathBuf {
        let default = || paths.dataset(self.dataset.unwrap_or(&MNIST).name);
        self.data.clone().unwrap_or_else(default)
    }

    /// The folder of the run that `--resume` continues.
    pub fn run_to_resume(&self, paths: &Paths) -> Option<PathBuf> {
        let typed = self.resume.as_ref()?;
        Some(paths.run(typed.as_deref()))
    }
}

/// The key of a pair such as `lr_d=1e-3`.
fn key_of(pair: &str) -> &str {
    pair.split('=').next().unwrap_or(pair).trim()
}

fn impossible(key: &str, value: impl ToString, reason: &str) -> Error {
    Error::Impossible { key: key.to_owned(), value: value.to_string(), reason: reason.to_owned() }
}

/// Lists the presets in help texts and completions. It accepts every name, because
/// [`TrainArgs::resolve`] refuses an unknown one with the nearest name.
#[derive(Clone)]
struct PresetName;

impl TypedValueParser for PresetName {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> std::result::Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue>>> {
        let values = presets()
            .iter()
            .map(|preset| PossibleValue::new(preset.name.as_str()).help(preset.summary.as_str()));
        Some(Box::new(values))
    }
}

fn short_help() -> String {
    format!("{EXAMPLES}\n\n--help (not -h) lists the settings that --set changes, and the losses.")
}

fn long_help() -> String {
    let mut text = format!("{EXAMPLES}\n\nSettings that --set changes:\n");
    for key in KEYS {
        let _ = writeln!(text, "  {:<21}  {}", key.name, key.help);
    }
    text.push_str("\nLosses, for --set loss=NAME:\n");
    for loss in LOSS_INFOS {
        let _ = writeln!(text, "  {:<21}  {}", loss.name, loss.summary);
    }
    text.push_str(
        "\nThe file config.toml of a run lists its settings; docs/systems.md has their sources.",
    );
    text
}
