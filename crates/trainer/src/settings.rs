//! A run's settings: what a preset fixes and `--set key=value` overrides.

use run_dir::{Config, RunDir};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::Error;
use crate::losses::Loss;
use crate::networks::Network;
use crate::optimizer::{AdamConfig, Method};
use crate::schedule::{Momentum, Schedule};

/// Everything that decides what is computed, but for the seed, the data and the
/// machine.
///
/// Keys of `--set` are the field names; those of a table are written
/// `adam.beta1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The pair of networks.
    pub network: Network,
    /// Originals per step.
    pub batch: u64,
    /// Length of the schedule in originals shown.
    pub images: u64,
    /// Train on the first so many images of the set; 0 for all.
    pub train_images: u64,
    /// Draw originals with replacement instead of epoch by epoch.
    pub with_replacement: bool,
    /// The game.
    pub loss: Loss,
    /// Factor on D's loss; one half where its original takes the mean over
    /// originals and forgeries together.
    pub loss_d_weight: f64,
    /// Logits count in minimax and non-saturating losses as if they were at
    /// most so far from 0, and have no gradient beyond; 0 for no limit.
    pub logit_limit: f64,
    /// γ of the penalty on D's gradient at originals (Mescheder et al. 2018);
    /// 0 for none.
    pub r1: f64,
    /// γ of the penalty on D's gradient at forgeries; 0 for none.
    pub r2: f64,
    /// λ of the penalty that pulls the length of D's gradient to 1 on the way
    /// from forgeries to originals (WGAN-GP, Gulrajani et al. 2017); 0 for none.
    pub gradient_penalty: f64,
    /// λ of the same penalty around originals (DRAGAN, Kodali et al. 2017);
    /// 0 for none.
    pub dragan: f64,
    /// Penalties in every so many-th step, weighted up by as much.
    pub penalty_every: u64,
    /// D's parameters are cut to at most so far from 0 after each update
    /// (Arjovsky et al. 2017); 0 for no limit.
    pub clip: f64,
    /// Divide each of D's weight matrices by its greatest singular value
    /// (Miyato et al. 2018).
    pub spectral_norm: bool,
    /// D's learning rate.
    pub lr_d: f64,
    /// G's learning rate.
    pub lr_g: f64,
    /// How both rates change over the schedule.
    pub schedule: Schedule,
    /// The optimizer, the same for both networks.
    pub optimizer: Method,
    /// Adam's constants.
    pub adam: AdamConfig,
    /// The momentum of gradient descent.
    pub momentum: Momentum,
    /// Half-life of the averaged G in images; 0 for no averaging.
    pub ema_images: f64,
    /// Update G on the latents that D's update used, instead of fresh ones.
    pub shared_latents: bool,
    /// Take both updates from one pass, so that G learns from D as it was
    /// before the step.
    pub simultaneous: bool,
    /// Images that D is trained on alone before the first step, as many
    /// originals as forgeries; 0 for none.
    pub pretrain_images: u64,
    /// Originals per pre-training update.
    pub pretrain_batch: u64,
    /// Steps between rows of `metrics.jsonl`.
    pub report_every: u64,
    /// Steps between snapshots of the fixed latents.
    pub snapshot_every: u64,
    /// Steps between points of the quality curve, see
    /// [`Settings::evaluates_at`]; 0 for no curve, as in runs of before there
    /// was one.
    #[serde(default)]
    pub evaluate_every: u64,
}

/// Why settings were refused.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// `--set` was given something without an equals sign.
    #[error("--set {0}: expected key=value")]
    NotAPair(String),
    /// The key or its value does not fit; the reason lists what would.
    #[error("--set {pair}: {reason}")]
    DoesNotFit {
        /// What was typed.
        pair: String,
        /// Why it was refused.
        reason: String,
    },
    /// A value is outside what can work.
    #[error("{key} = {value} is impossible: {reason}")]
    Impossible {
        /// The field.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        reason: String,
    },
}

impl Settings {
    /// The settings in `config`, the configuration of `run`.
    ///
    /// # Errors
    /// Keys that are missing or unknown, values of the wrong type.
    pub fn of(run: &RunDir, config: &Config) -> Result<Settings, Error> {
        let settings = config.train.clone().try_into();
        settings.map_err(|e: toml::de::Error| {
            Error::Run(run_dir::Error::Config {
                path: run.config_path(),
                reason: e.message().to_owned(),
            })
        })
    }

    /// These settings with `key=value` applied, the value as TOML or as a bare
    /// word.
    ///
    /// # Errors
    /// An unknown key or a value of the wrong type.
    pub fn with(&self, pair: &str) -> Result<Settings, SettingsError> {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| SettingsError::NotAPair(pair.to_owned()))?;
        let refuse = |reason: String| SettingsError::DoesNotFit {
            pair: pair.to_owned(),
            reason,
        };
        let mut table = toml::Table::try_from(self).map_err(|e| refuse(e.to_string()))?;
        if key.trim() == "network" {
            return Err(refuse(
                "a preset fixes its networks; use --preset or --conditional".to_owned(),
            ));
        }
        let (path, last) = match key.trim().rsplit_once('.') {
            Some((path, last)) => (Some(path), last),
            None => (None, key.trim()),
        };
        let parent = match path {
            None => Some(&mut table),
            Some(path) => table.get_mut(path).and_then(toml::Value::as_table_mut),
        };
        let known = parent.and_then(|t| t.get_mut(last));
        let Some(slot) = known else {
            return Err(refuse(format!(
                "unknown key; the keys are {}",
                self.keys().join(", ")
            )));
        };
        let mut value = parse_value(value.trim());
        // 1 is as good as 1.0 where a fraction is expected.
        if let (toml::Value::Float(_), toml::Value::Integer(i)) = (&*slot, &value) {
            value = toml::Value::Float(*i as f64);
        }
        *slot = value;
        table
            .try_into()
            .map_err(|e: toml::de::Error| refuse(e.message().to_owned()))
    }

    /// The keys that [`Settings::with`] takes.
    pub fn keys(&self) -> Vec<String> {
        let Ok(table) = toml::Table::try_from(self) else {
            return Vec::new();
        };
        let mut keys = Vec::new();
        for (key, value) in table {
            match value {
                toml::Value::Table(inner) => {
                    keys.extend(inner.keys().map(|k| format!("{key}.{k}")));
                }
                _ if key == "network" => {}
                _ => keys.push(key),
            }
        }
        keys
    }

    /// Images trained on out of a set of `available`.
    pub fn pool(&self, available: u64) -> u64 {
        match self.train_images {
            0 => available,
            first => first.min(available),
        }
    }

    /// Batches of originals in the schedule.
    pub fn batches(&self) -> u64 {
        self.images.div_ceil(self.batch.max(1))
    }

    /// Whether forgeries are measured after `step` steps, at least 1: at each
    /// multiple of [`Settings::evaluate_every`], and early on, where quality
    /// changes fastest, at a tenth and three tenths of it.
    pub fn evaluates_at(&self, step: u64) -> bool {
        let every = self.evaluate_every;
        let early = every / 10;
        every > 0 && (step.is_multiple_of(every) || [early, 3 * early].contains(&step))
    }

    /// Whether D pays for its gradients at some steps.
    pub fn penalized(&self) -> bool {
        [self.r1, self.r2, self.gradient_penalty, self.dragan]
            .iter()
            .any(|&weight| weight > 0.0)
    }

    /// Whether random numbers are drawn for what D pays.
    pub fn draws_in_penalties(&self) -> bool {
        self.gradient_penalty > 0.0 || self.dragan > 0.0
    }

    /// `logits` as the losses take them; see [`Settings::logit_limit`].
    pub fn limited(&self, logits: &Tensor) -> Tensor {
        let of_probabilities = matches!(self.loss, Loss::Minimax | Loss::NonSaturating);
        if of_probabilities && self.logit_limit > 0.0 {
            logits.clamp(-self.logit_limit, self.logit_limit)
        } else {
            logits.shallow_clone()
        }
    }
}

/// A value as TOML, or where that fails a bare word as a string.
fn parse_value(text: &str) -> toml::Value {
    format!("v = {text}")
        .parse::<toml::Table>()
        .ok()
        // More keys than one came in with a line break.
        .filter(|table| table.len() == 1)
        .and_then(|mut table| table.remove("v"))
        .unwrap_or_else(|| toml::Value::String(text.to_owned()))
}
