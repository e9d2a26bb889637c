//! A run's settings: what a preset fixes and `--set key=value` overrides.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::losses::Loss;
use crate::optimizer::AdamConfig;
use crate::presets::Network;

/// Everything that decides what is computed, but for the seed, the data and the
/// machine.
///
/// Keys of `--set` are the field names; those of `adam` are written
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
    /// Logits count in the losses as if they were at most so far from 0, and
    /// have no gradient beyond; 0 for no limit.
    pub logit_limit: f64,
    /// γ of the penalty on D's gradient at originals; 0 for none.
    pub r1: f64,
    /// γ of the penalty on D's gradient at forgeries; 0 for none.
    pub r2: f64,
    /// Penalties in every so many-th step, weighted up by as much.
    pub penalty_every: u64,
    /// D's learning rate.
    pub lr_d: f64,
    /// G's learning rate.
    pub lr_g: f64,
    /// How both rates change over the schedule.
    pub schedule: Schedule,
    /// Adam's constants, the same for both networks.
    pub adam: AdamConfig,
    /// Half-life of the averaged G in images; 0 for no averaging.
    pub ema_images: f64,
    /// Update G on the latents that D's update used, instead of fresh ones.
    pub shared_latents: bool,
    /// Images that D is trained on alone before the first step, as many
    /// originals as forgeries; 0 for none.
    pub pretrain_images: u64,
    /// Originals per pre-training update.
    pub pretrain_batch: u64,
    /// Steps between rows of `metrics.jsonl`.
    pub report_every: u64,
    /// Steps between snapshots of the fixed latents.
    pub snapshot_every: u64,
}

/// How learning rates change over the schedule, by its share that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Not at all.
    Constant,
    /// Along half a cosine, from the full rate to a hundredth of it.
    Cosine,
    /// Full for six tenths, a tenth for two, a hundredth for the last two.
    Tenths,
    /// Full, then a straight line to a hundredth over the last part.
    Late,
}

impl Schedule {
    /// The factor on the rates when `done`, 0 to 1, of the schedule is over.
    pub fn factor(self, done: f64) -> f64 {
        const LAST: f64 = 0.01;
        let done = done.clamp(0.0, 1.0);
        match self {
            Schedule::Constant => 1.0,
            Schedule::Cosine => {
                LAST + (1.0 - LAST) * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
            }
            Schedule::Tenths if done < 0.6 => 1.0,
            Schedule::Tenths if done < 0.8 => 0.1,
            Schedule::Tenths => 0.01,
            Schedule::Late => LAST + (1.0 - LAST) * ((1.0 - done) / 0.6).min(1.0),
        }
    }
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
                _ => keys.push(key),
            }
        }
        keys
    }

    /// Refuses what cannot work with `available` training images.
    ///
    /// # Errors
    /// [`SettingsError::Impossible`] with the key and what it must be.
    pub fn check(&self, available: u64) -> Result<(), SettingsError> {
        let refuse = |key, value: &dyn ToString, reason: &str| {
            Err(SettingsError::Impossible {
                key,
                value: value.to_string(),
                reason: reason.to_owned(),
            })
        };
        let batches = [
            ("batch", self.batch, true),
            (
                "pretrain_batch",
                self.pretrain_batch,
                self.pretrain_images > 0,
            ),
        ];
        for (key, value, used) in batches {
            if used && (value == 0 || value > available) {
                return refuse(
                    key,
                    &value,
                    &format!("it must be at least 1 and at most the {available} images of the set"),
                );
            }
        }
        if self.train_images > available {
            return refuse(
                "train_images",
                &self.train_images,
                "the set has fewer images",
            );
        }
        if self.train_images != 0 && self.batch > self.train_images {
            return refuse("batch", &self.batch, "it must be at most train_images");
        }
        for (key, value) in [
            ("images", self.images),
            ("penalty_every", self.penalty_every),
            ("report_every", self.report_every),
            ("snapshot_every", self.snapshot_every),
        ] {
            if value == 0 {
                return refuse(key, &value, "it must be at least 1");
            }
        }
        for (key, value) in [
            ("lr_d", self.lr_d),
            ("lr_g", self.lr_g),
            ("loss_d_weight", self.loss_d_weight),
        ] {
            if !(value > 0.0 && value.is_finite()) {
                return refuse(key, &value, "it must be above 0");
            }
        }
        for (key, value) in [
            ("r1", self.r1),
            ("r2", self.r2),
            ("ema_images", self.ema_images),
            ("logit_limit", self.logit_limit),
        ] {
            if !(value >= 0.0 && value.is_finite()) {
                return refuse(key, &value, "it must be 0 or above");
            }
        }
        if self.loss == Loss::Wasserstein && self.r1 == 0.0 && self.r2 == 0.0 {
            return refuse(
                "loss",
                &"wasserstein",
                "nothing keeps D's logits from growing; set r1 or r2 above 0",
            );
        }
        for (key, value) in [
            ("adam.beta1", self.adam.beta1),
            ("adam.beta2", self.adam.beta2),
        ] {
            if !(0.0..1.0).contains(&value) {
                return refuse(key, &value, "it must be at least 0 and below 1");
            }
        }
        if !(self.adam.epsilon > 0.0 && self.adam.epsilon.is_finite()) {
            return refuse("adam.epsilon", &self.adam.epsilon, "it must be above 0");
        }
        Ok(())
    }

    /// Images trained on out of a set of `available`.
    pub fn pool(&self, available: u64) -> u64 {
        match self.train_images {
            0 => available,
            first => first.min(available),
        }
    }

    /// `logits` as the losses take them; see [`Settings::logit_limit`].
    pub fn limited(&self, logits: &Tensor) -> Tensor {
        if self.logit_limit > 0.0 {
            logits.clamp(-self.logit_limit, self.logit_limit)
        } else {
            logits.shallow_clone()
        }
    }

    /// Steps in the schedule.
    pub fn steps(&self) -> u64 {
        self.images.div_ceil(self.batch.max(1))
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
