//! The keys of `--set KEY=VALUE`: what each means, and how it changes the settings.

use std::fmt::Debug;
use std::str::FromStr;

use strum::VariantNames;

use crate::error::{did_you_mean, most_similar};
use crate::settings::{
    AdamConfig, EmaConfig, LipschitzConstraint, OptimizerConfig, PenaltyKind, Pretraining,
};
use crate::{Error, LOSS_INFOS, LossInfo, MomentumSchedule, Settings};

type Result<T> = std::result::Result<T, String>;

/// A setting that can be changed by name.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The name before the equals sign.
    pub name: &'static str,
    /// One line for the help text.
    pub help: &'static str,
    set: fn(&mut Settings, &str) -> Result<()>,
    /// The text of the present value; `None` where the settings have no such value.
    get: fn(&Settings) -> Option<String>,
}

/// Lines of the form `"key" "help" |settings, value| change, text;`. The change and the text may
/// use `?`.
macro_rules! keys {
    ($($name:literal $help:literal |$s:ident, $v:ident| $set:expr, $get:expr;)*) => {
        /// Every key, in the order of the help text.
        pub const KEYS: &[Key] = &[$(Key {
            name: $name,
            help: $help,
            set: |$s, $v| {
                $set;
                Ok(())
            },
            get: |$s| Some($get),
        }),*];
    };
}

keys! {
    "loss" "the loss, one of those below" |s, v| s.loss = loss(v)?, s.loss.clone();
    "loss_d_weight" "factor on D's loss" |s, v| s.loss_d_weight = parse(v)?, text(s.loss_d_weight);
    "logit_limit" "clamp logits to ± this value; 0: do not clamp" |s, v| s.logit_limit = parse_or_none(v)?, text_or_zero(s.logit_limit);
    "r1" "gradient penalty at real images, γ; 0: none" |s, v| s.set_penalty(PenaltyKind::R1, parse(v)?), text_or_zero(s.penalty(PenaltyKind::R1));
    "r2" "gradient penalty at fake images, γ; 0: none" |s, v| s.set_penalty(PenaltyKind::R2, parse(v)?), text_or_zero(s.penalty(PenaltyKind::R2));
    "gradient_penalty" "WGAN-GP's penalty between real and fake images, λ; 0: none" |s, v| s.set_penalty(PenaltyKind::GradientPenalty, parse(v)?), text_or_zero(s.penalty(PenaltyKind::GradientPenalty));
    "dragan" "DRAGAN's penalty around real images, λ; 0: none" |s, v| s.set_penalty(PenaltyKind::Dragan, parse(v)?), text_or_zero(s.penalty(PenaltyKind::Dragan));
    "penalty_every" "compute penalties in every N-th step" |s, v| s.penalty_every = parse(v)?, text(s.penalty_every);
    "clip" "clamp D's parameters to ± this value; 0: do not clamp" |s, v| s.lipschitz_constraint = clip(s, v)?, text_or_zero(s.weight_clip());
    "spectral_norm" "true or false: spectral normalization of D" |s, v| s.lipschitz_constraint = spectral_norm(s, v)?, text(s.lipschitz_constraint == Some(LipschitzConstraint::SpectralNorm));
    "lr_d" "D's learning rate" |s, v| s.lr_d = parse(v)?, text(s.lr_d);
    "lr_g" "G's learning rate" |s, v| s.lr_g = parse(v)?, text(s.lr_g);
    "schedule" "constant, cosine, step-decay, linear-decay, exponential-decay or notebook" |s, v| s.schedule = parse_variant("schedule", v)?, variant_name(s.schedule);
    "update" "alternating, shared-latents or simultaneous" |s, v| s.update = parse_variant("update", v)?, variant_name(s.update);
    "optimizer" "adam or sgd, with default constants" |s, v| s.optimizer = optimizer(v)?, variant_name(s.optimizer);
    "adam.beta1" "decay of the mean of gradients" |s, v| adam_mut(s)?.beta1 = parse(v)?, text(adam(s)?.beta1);
    "adam.beta2" "decay of the mean of squared gradients" |s, v| adam_mut(s)?.beta2 = parse(v)?, text(adam(s)?.beta2);
    "adam.epsilon" "ε, added to √v" |s, v| adam_mut(s)?.epsilon = parse(v)?, text(adam(s)?.epsilon);
    "adam.epsilon_hat" "true or false: add epsilon as Keras does" |s, v| adam_mut(s)?.epsilon_hat = parse(v)?, text(adam(s)?.epsilon_hat);
    "adam.clip_update_rms" "limit of an update's RMS, in multiples of the learning rate; 0: no limit" |s, v| adam_mut(s)?.clip_update_rms = parse_or_none(v)?, text_or_zero(adam(s)?.clip_update_rms);
    "momentum.first" "sgd's momentum in the first epoch" |s, v| sgd_mut(s)?.first = parse(v)?, text(sgd(s)?.first);
    "momentum.last" "sgd's momentum after momentum.epochs epochs" |s, v| sgd_mut(s)?.last = parse(v)?, text(sgd(s)?.last);
    "momentum.epochs" "epochs in which momentum rises from first to last" |s, v| sgd_mut(s)?.epochs = parse(v)?, text(sgd(s)?.epochs);
    "batch" "real images per batch" |s, v| s.batch = parse(v)?, text(s.batch);
    "images" "real images in the whole schedule" |s, v| s.images = parse(v)?, text(s.images);
    "train_images" "train on the first N images only; 0: all" |s, v| s.train_images = parse_or_none(v)?, text_or_zero(s.train_images);
    "with_replacement" "true or false: draw real images with replacement" |s, v| s.with_replacement = parse(v)?, text(s.with_replacement);
    "ema_images" "half-life of G's averaged parameters in images; 0: no average" |s, v| s.ema = parse_or_none(v)?.map(|half_life_images| EmaConfig { half_life_images }), text_or_zero(s.ema.map(|ema| ema.half_life_images));
    "pretrain_images" "real images of D's pretraining; 0: none" |s, v| s.pretraining = pretraining(s, v)?, text_or_zero(s.pretraining.map(|p| p.images));
    "pretrain_batch" "real images in each update of pretraining" |s, v| *pretrain_batch(s)? = parse(v)?, text(s.pretraining?.batch);
    "report_every" "steps between rows of metrics.jsonl" |s, v| s.report_every = parse(v)?, text(s.report_every);
    "snapshot_every" "steps between snapshots" |s, v| s.snapshot_every = parse(v)?, text(s.snapshot_every);
    "evaluate_every" "steps between points of the quality curve; 0: none" |s, v| s.evaluate_every = parse_or_none(v)?, text_or_zero(s.evaluate_every);
}

impl Settings {
    /// Changes one setting by a `pair` such as `lr_d=1e-3`.
    ///
    /// # Errors
    /// [`Error::NoEqualsSign`], [`Error::UnknownKey`] with the most similar key, or
    /// [`Error::Value`] with what the value must be. The settings are unchanged
    /// then. [`Settings::check`] validates the value.
    pub fn set(&mut self, pair: &str) -> crate::Result<()> {
        let (name, value) =
            pair.split_once('=').ok_or_else(|| Error::NoEqualsSign(pair.to_owned()))?;
        let (name, value) = (name.trim(), value.trim().trim_matches('"'));
        let Some(key) = KEYS.iter().find(|key| key.name == name) else {
            return Err(Error::UnknownKey {
                pair: pair.to_owned(),
                key: name.to_owned(),
                most_similar: most_similar(name, KEYS.iter().map(|key| key.name)),
                keys: KEYS.iter().map(|key| key.name).collect(),
            });
        };
        (key.set)(self, value).map_err(|reason| Error::Value { pair: pair.to_owned(), reason })
    }

    /// The pairs for [`set`](Settings::set) that change `base` into these settings, in the
    /// order of [`KEYS`]. `None` if no pairs can, as for a custom loss.
    pub fn overrides_from(&self, base: &Settings) -> Option<Vec<String>> {
        let mut changed = base.clone();
        let mut pairs = Vec::new();
        for key in KEYS {
            let wanted = (key.get)(self);
            if let Some(value) =
                wanted.filter(|wanted| (key.get)(&changed).as_ref() != Some(wanted))
            {
                let pair = format!("{}={value}", key.name);
                changed.set(&pair).ok()?;
                pairs.push(pair);
            }
        }
        (changed == *self).then_some(pairs)
    }
}

/// A type that a setting's value can have.
trait Value: FromStr {
    /// What the text of a value must be.
    const EXPECTED: &'static str;

    /// Whether a setting can have this value.
    fn is_valid(&self) -> bool {
        true
    }
}

/// The text that [`parse`] reads as exactly this value.
fn text(value: impl Debug) -> String {
    format!("{value:?}")
}

fn text_or_zero<T: Debug>(value: Option<T>) -> String {
    value.map_or("0".to_owned(), text)
}

fn variant_name(value: impl Into<&'static str>) -> String {
    value.into().to_owned()
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

fn parse<T: Value>(text: &str) -> Result<T> {
    let value = text.parse().ok().filter(T::is_valid);
    value.ok_or_else(|| format!("expected {}", T::EXPECTED))
}

/// Parses a value, `None` for zero.
fn parse_or_none<T: Value + Default + PartialEq>(text: &str) -> Result<Option<T>> {
    Ok(Some(parse(text)?).filter(|value| *value != T::default()))
}

fn parse_variant<T: FromStr + VariantNames>(what: &str, text: &str) -> Result<T> {
    text.parse().map_err(|_| unknown(what, text, T::VARIANTS))
}

fn loss(text: &str) -> Result<String> {
    let loss = LossInfo::find(text).map(|loss| loss.name.to_owned());
    let names: Vec<&str> = LOSS_INFOS.iter().map(|loss| loss.name).collect();
    loss.ok_or_else(|| unknown("loss", text, &names))
}

fn optimizer(text: &str) -> Result<OptimizerConfig> {
    match text {
        "adam" => Ok(OptimizerConfig::Adam(AdamConfig::DEFAULT)),
        "sgd" => Ok(OptimizerConfig::Sgd(MomentumSchedule::default())),
        _ => Err(unknown("optimizer", text, &["adam", "sgd"])),
    }
}

/// The message for a name that is none of `names`.
fn unknown(what: &str, typed: &str, names: &[&'static str]) -> String {
    format!(
        "there is no {what} {typed:?}{}; there are {}",
        did_you_mean(most_similar(typed, names.iter().copied())),
        names.join(", ")
    )
}

fn clip(s: &Settings, text: &str) -> Result<Option<LipschitzConstraint>> {
    match (parse_or_none(text)?, s.lipschitz_constraint) {
        (Some(_), Some(LipschitzConstraint::SpectralNorm)) => {
            Err("spectral_norm removes the scale of the weights, so clip has no effect; choose one of them".to_owned())
        }
        (Some(limit), _) => Ok(Some(LipschitzConstraint::Clip { limit })),
        (None, constraint) => Ok(constraint.filter(|constraint| constraint.weight_clip().is_none())),
    }
}

fn spectral_norm(s: &Settings, text: &str) -> Result<Option<LipschitzConstraint>> {
    match (parse(text)?, s.lipschitz_constraint) {
        (true, Some(LipschitzConstraint::Clip { .. })) => {
            Err("it removes the scale of the weights, so clip has no effect; choose one of them"
                .to_owned())
        }
        (true, _) => Ok(Some(LipschitzConstraint::SpectralNorm)),
        (false, constraint) => {
            Ok(constraint.filter(|constraint| constraint.weight_clip().is_some()))
        }
    }
}

fn pretraining(s: &Settings, text: &str) -> Result<Option<Pretraining>> {
    let batch = s.pretraining.map_or(s.batch, |old| old.batch);
    Ok(parse_or_none(text)?.map(|images| Pretraining { images, batch }))
}

fn pretrain_batch(s: &mut Settings) -> Result<&mut u64> {
    let pretraining = s.pretraining.as_mut();
    let pretraining = pretraining.ok_or("there is no pretraining; set pretrain_images first")?;
    Ok(&mut pretraining.batch)
}

fn adam_mut(s: &mut Settings) -> Result<&mut AdamConfig> {
    match &mut s.optimizer {
        OptimizerConfig::Adam(adam) => Ok(adam),
        OptimizerConfig::Sgd(_) => Err("the optimizer is sgd; set optimizer=adam first".to_owned()),
    }
}

fn adam(s: &Settings) -> Option<AdamConfig> {
    if let OptimizerConfig::Adam(adam) = s.optimizer { Some(adam) } else { None }
}

fn sgd(s: &Settings) -> Option<MomentumSchedule> {
    if let OptimizerConfig::Sgd(momentum) = s.optimizer { Some(momentum) } else { None }
}

fn sgd_mut(s: &mut Settings) -> Result<&mut MomentumSchedule> {
    match &mut s.optimizer {
        OptimizerConfig::Sgd(momentum) => Ok(momentum),
        OptimizerConfig::Adam(_) => {
            Err("the optimizer is adam; set optimizer=sgd first".to_owned())
        }
    }
}
