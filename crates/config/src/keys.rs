//! The keys of `--set KEY=VALUE`: what each means, and how it changes the settings.

use std::str::FromStr;

use strum::VariantArray;

use crate::error::{did_you_mean, nearest};
use crate::settings::{Adam, Ema, Optimizer, PenaltyKind, Pretraining};
use crate::{Error, LOSSES, Momentum, Result, Settings};

type Checked = std::result::Result<(), String>;

/// A setting that can be changed by name.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The name before the equals sign.
    pub name: &'static str,
    /// One line for the help text.
    pub help: &'static str,
    set: fn(&mut Settings, &str) -> Checked,
}

/// Lines of the form `"key" "help" |settings, value| change;`.
macro_rules! keys {
    ($($name:literal $help:literal |$s:ident, $v:ident| $set:expr;)*) => {
        /// Every key, in the order of the help text.
        pub const KEYS: &[Key] = &[$(Key { name: $name, help: $help, set: |$s, $v| $set }),*];
    };
}

keys! {
    "loss" "the loss, one of those below" |s, v| put_loss(s, v);
    "loss_d_weight" "factor on D's loss" |s, v| put(&mut s.loss_d_weight, v);
    "logit_limit" "clamp logits to ± this value; 0: do not clamp" |s, v| put_or_none(&mut s.logit_limit, v);
    "r1" "gradient penalty at real images, γ; 0: none" |s, v| put_penalty(s, PenaltyKind::R1, v);
    "r2" "gradient penalty at fake images, γ; 0: none" |s, v| put_penalty(s, PenaltyKind::R2, v);
    "gradient_penalty" "WGAN-GP's penalty between real and fake images, λ; 0: none" |s, v| put_penalty(s, PenaltyKind::GradientPenalty, v);
    "dragan" "DRAGAN's penalty around real images, λ; 0: none" |s, v| put_penalty(s, PenaltyKind::Dragan, v);
    "penalty_every" "steps from one penalty to the next" |s, v| put(&mut s.penalty_every, v);
    "clip" "clamp D's parameters to ± this value; 0: do not clamp" |s, v| put_or_none(&mut s.clip, v);
    "spectral_norm" "true or false: spectral normalization of D" |s, v| put(&mut s.spectral_norm, v);
    "lr_d" "D's learning rate" |s, v| put(&mut s.lr_d, v);
    "lr_g" "G's learning rate" |s, v| put(&mut s.lr_g, v);
    "schedule" "constant, cosine, step-decay, linear-decay, exponential-decay or notebook" |s, v| put_variant(&mut s.schedule, "schedule", v);
    "update" "alternating, shared-latents or simultaneous" |s, v| put_variant(&mut s.update, "update", v);
    "optimizer" "adam or sgd, with default constants" |s, v| put_optimizer(s, v);
    "adam.beta1" "decay of the mean of gradients" |s, v| put(&mut adam(s)?.beta1, v);
    "adam.beta2" "decay of the mean of squared gradients" |s, v| put(&mut adam(s)?.beta2, v);
    "adam.epsilon" "added to the root of that mean" |s, v| put(&mut adam(s)?.epsilon, v);
    "adam.epsilon_hat" "true or false: add epsilon as Keras does" |s, v| put(&mut adam(s)?.epsilon_hat, v);
    "adam.clip_update_rms" "largest update in learning rates; 0: no limit" |s, v| put_or_none(&mut adam(s)?.clip_update_rms, v);
    "momentum.first" "sgd's momentum in the first epoch" |s, v| put(&mut sgd(s)?.first, v);
    "momentum.last" "sgd's momentum at the end of its rise" |s, v| put(&mut sgd(s)?.last, v);
    "momentum.epochs" "epochs of that rise" |s, v| put(&mut sgd(s)?.epochs, v);
    "batch" "real images in a step" |s, v| put(&mut s.batch, v);
    "images" "real images in the whole schedule" |s, v| put(&mut s.images, v);
    "train_images" "train on the first so many images; 0: all" |s, v| put_or_none(&mut s.train_images, v);
    "with_replacement" "true or false: draw real images with replacement" |s, v| put(&mut s.with_replacement, v);
    "ema_images" "half-life of G's averaged weights in images; 0: no average" |s, v| put_ema(s, v);
    "pretrain_images" "real images that D is trained on alone first; 0: none" |s, v| put_pretraining(s, v);
    "pretrain_batch" "real images in each of those updates" |s, v| put(pretrain_batch(s)?, v);
    "report_every" "steps between rows of metrics.jsonl" |s, v| put(&mut s.report_every, v);
    "snapshot_every" "steps between snapshots" |s, v| put(&mut s.snapshot_every, v);
    "evaluate_every" "steps between points of the quality curve; 0: none" |s, v| put_or_none(&mut s.evaluate_every, v);
}

impl Settings {
    /// Changes one setting by a `pair` such as `lr_d=1e-3`.
    ///
    /// # Errors
    /// [`Error::NotAPair`], [`Error::UnknownKey`] with the nearest key, or
    /// [`Error::Value`] with what the value must be. The settings are unchanged
    /// then. Whether the value makes sense is left to [`Settings::check`].
    pub fn set(&mut self, pair: &str) -> Result<()> {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| Error::NotAPair(pair.to_owned()))?;
        let (name, value) = (name.trim(), value.trim().trim_matches('"'));
        let Some(key) = KEYS.iter().find(|key| key.name == name) else {
            return Err(Error::UnknownKey {
                pair: pair.to_owned(),
                key: name.to_owned(),
                nearest: nearest(name, KEYS.iter().map(|key| key.name)),
                keys: KEYS.iter().map(|key| key.name).collect(),
            });
        };
        (key.set)(self, value).map_err(|reason| Error::Value {
            pair: pair.to_owned(),
            reason,
        })
    }
}

/// A type that a setting's value can have.
trait Value: FromStr {
    /// What the text of a value must be.
    const EXPECTED: &'static str;

    /// Whether a value that can be parsed is acceptable.
    fn is_valid(&self) -> bool {
        true
    }
}

impl Value for u64 {
    const EXPECTED: &'static str = "a whole number of at least 0, as in 64";
}

impl Value for f64 {
    const EXPECTED: &'static str = "a finite number, as in 1e-3";

    fn is_valid(&self) -> bool {
        self.is_finite()
    }
}

impl Value for bool {
    const EXPECTED: &'static str = "true or false";
}

fn parse<T: Value>(text: &str) -> std::result::Result<T, String> {
    text.parse()
        .ok()
        .filter(T::is_valid)
        .ok_or_else(|| format!("expected {}", T::EXPECTED))
}

fn put<T: Value>(slot: &mut T, text: &str) -> Checked {
    *slot = parse(text)?;
    Ok(())
}

/// Stores the value, or `None` for zero.
fn put_or_none<T: Value + Default + PartialEq>(slot: &mut Option<T>, text: &str) -> Checked {
    *slot = Some(parse(text)?).filter(|value| *value != T::default());
    Ok(())
}

fn put_variant<T>(slot: &mut T, what: &str, text: &str) -> Checked
where
    T: VariantArray + Copy + Into<&'static str>,
{
    let name = named(
        what,
        text,
        T::VARIANTS.iter().map(|&variant| variant.into()),
    )?;
    let variant = T::VARIANTS.iter().find(|&&variant| variant.into() == name);
    variant.into_iter().for_each(|variant| *slot = *variant);
    Ok(())
}

fn put_loss(s: &mut Settings, text: &str) -> Checked {
    s.loss = named("loss", text, LOSSES.map(|loss| loss.name))?.to_owned();
    Ok(())
}

fn put_optimizer(s: &mut Settings, text: &str) -> Checked {
    s.optimizer = match named("optimizer", text, ["adam", "sgd"])? {
        "adam" => Optimizer::Adam(Adam::DEFAULT),
        _ => Optimizer::Sgd(Momentum::default()),
    };
    Ok(())
}

fn put_ema(s: &mut Settings, text: &str) -> Checked {
    let mut half_life = None;
    put_or_none(&mut half_life, text)?;
    s.ema = half_life.map(|half_life_images| Ema { half_life_images });
    Ok(())
}

fn put_pretraining(s: &mut Settings, text: &str) -> Checked {
    let mut images = None;
    put_or_none(&mut images, text)?;
    let batch = s
        .pretraining
        .map_or(s.batch, |pretraining| pretraining.batch);
    s.pretraining = images.map(|images| Pretraining { images, batch });
    Ok(())
}

fn pretrain_batch(s: &mut Settings) -> std::result::Result<&mut u64, String> {
    let pretraining = s.pretraining.as_mut();
    let pretraining = pretraining.ok_or("there is no pretraining; set pretrain_images first")?;
    Ok(&mut pretraining.batch)
}

/// The one of `names` that was typed, or an error with the nearest one.
fn named(
    what: &str,
    typed: &str,
    names: impl IntoIterator<Item = &'static str>,
) -> std::result::Result<&'static str, String> {
    let names: Vec<_> = names.into_iter().collect();
    let found = names.iter().find(|name| **name == typed);
    found.copied().ok_or_else(|| {
        format!(
            "there is no {what} {typed:?}{}; there are {}",
            did_you_mean(nearest(typed, names.iter().copied())),
            names.join(", ")
        )
    })
}

fn put_penalty(s: &mut Settings, kind: PenaltyKind, text: &str) -> Checked {
    s.set_penalty(kind, parse(text)?);
    Ok(())
}

fn adam(s: &mut Settings) -> std::result::Result<&mut Adam, String> {
    match &mut s.optimizer {
        Optimizer::Adam(adam) => Ok(adam),
        Optimizer::Sgd(_) => Err("the optimizer is sgd; set optimizer=adam first".to_owned()),
    }
}

fn sgd(s: &mut Settings) -> std::result::Result<&mut Momentum, String> {
    match &mut s.optimizer {
        Optimizer::Sgd(momentum) => Ok(momentum),
        Optimizer::Adam(_) => Err("the optimizer is adam; set optimizer=sgd first".to_owned()),
    }
}
