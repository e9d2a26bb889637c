//! Checks of settings.

use crate::{Error, LossInfo, OptimizerConfig, PenaltyKind, Result, Settings};

impl Settings {
    /// Returns an error for settings that cannot work on any data set.
    ///
    /// # Errors
    /// [`Error::Impossible`] with the key and what its value must be.
    pub fn check(&self) -> Result<()> {
        self.check_counts()?;
        self.check_numbers()?;
        self.check_combinations()
    }

    /// Returns an error for settings that need more than `available` training images.
    ///
    /// # Errors
    /// [`Error::Impossible`] with the key and what its value must be.
    pub fn check_images(&self, available: u64) -> Result<()> {
        let pretrain_batch = self.pretraining.map_or(1, |pretraining| pretraining.batch);
        for (key, value) in [("batch", self.batch), ("pretrain_batch", pretrain_batch)] {
            let reason = format!("it must be at least 1 and at most {available}");
            ensure(value <= available, key, value, &reason)?;
        }
        let images = self.train_images.unwrap_or(0);
        let reason = format!("there are only {available} images; --set train_images=0 takes all");
        ensure(images <= available, "train_images", images, &reason)
    }

    /// Lowers `train_images`, `batch`, and the batch and number of images of pretraining to
    /// `available`, but only values that equal those of `preset`. Returns a sentence for each
    /// change. [`check_images`](Settings::check_images) returns an error for the others.
    pub fn limit_to_data(&mut self, available: u64, preset: &Settings) -> Vec<String> {
        let mut notes = Vec::new();
        let mut lower = |key: &str, value: &mut u64, preset: Option<u64>| {
            if *value > available && Some(*value) == preset && available > 0 {
                notes.push(format!(
                    "{key} = {available} instead of {value}: the data set has only {available} training images"
                ));
                *value = available;
            }
        };
        if let Some(images) = &mut self.train_images {
            lower("train_images", images, preset.train_images);
        }
        lower("batch", &mut self.batch, Some(preset.batch));
        if let Some(pretraining) = &mut self.pretraining {
            let preset = preset.pretraining;
            lower("pretrain_batch", &mut pretraining.batch, preset.map(|p| p.batch));
            lower("pretrain_images", &mut pretraining.images, preset.map(|p| p.images));
        }
        notes
    }

    fn check_counts(&self) -> Result<()> {
        for (key, value) in [
            ("batch", Some(self.batch)),
            ("images", Some(self.images)),
            ("train_images", self.train_images),
            ("pretrain_images", self.pretraining.map(|p| p.images)),
            ("pretrain_batch", self.pretraining.map(|p| p.batch)),
            ("penalty_every", Some(self.penalty_every)),
            ("report_every", Some(self.report_every)),
            ("snapshot_every", Some(self.snapshot_every)),
            ("evaluate_every", self.evaluate_every),
        ] {
            ensure(value != Some(0), key, 0, "it must be at least 1")?;
        }
        let most = self.train_images.unwrap_or(u64::MAX);
        let reason = "it must be at most train_images";
        ensure(self.batch <= most, "batch", self.batch, reason)
    }

    fn check_numbers(&self) -> Result<()> {
        let mut above_zero =
            vec![("lr_d", self.lr_d), ("lr_g", self.lr_g), ("loss_d_weight", self.loss_d_weight)];
        let mut below_one = Vec::new();
        above_zero.extend(self.penalties.iter().map(|p| (p.kind.into(), p.weight)));
        match self.optimizer {
            OptimizerConfig::Adam(adam) => {
                above_zero.push(("adam.epsilon", adam.epsilon));
                above_zero.extend(adam.clip_update_rms.map(|x| ("adam.clip_update_rms", x)));
                below_one.extend([("adam.beta1", adam.beta1), ("adam.beta2", adam.beta2)]);
            }
            OptimizerConfig::Sgd(momentum) => {
                below_one.push(("momentum.first", momentum.first));
                below_one.push(("momentum.last", momentum.last));
            }
        }
        above_zero.extend(self.weight_clip().map(|x| ("clip", x)));
        above_zero.extend(self.logit_limit.map(|x| ("logit_limit", x)));
        above_zero.extend(self.ema.map(|ema| ("ema_images", ema.half_life_images)));
        for (key, value) in above_zero {
            let possible = value > 0.0 && value.is_finite();
            ensure(possible, key, value, "it must be a finite number above 0")?;
        }
        for (key, value) in below_one {
            let possible = (0.0..1.0).contains(&value);
            ensure(possible, key, value, "it must be at least 0 and below 1")?;
        }
        Ok(())
    }

    fn check_combinations(&self) -> Result<()> {
        let one_centered = self.penalties.iter().filter(|p| p.kind.is_one_centered());
        let one_centered: Vec<_> = one_centered.collect();
        let unbounded = self.penalties.is_empty() && self.lipschitz_constraint.is_none();
        let loss = LossInfo::find(&self.loss);
        ensure(
            !(unbounded && loss.is_some_and(|loss| loss.needs_lipschitz_constraint)),
            "loss",
            &self.loss,
            "this loss needs a Lipschitz constraint on D; set gradient_penalty=10, clip=0.01, \
             spectral_norm=true, r1, r2 or dragan",
        )?;
        if let Some(first) = one_centered.first() {
            ensure(
                one_centered.len() == self.penalties.len(),
                first.kind.into(),
                first.weight,
                "its target for the norm of D's gradient is 1, but that of r1 and r2 is 0; add \
                 --set r1=0 --set r2=0",
            )?;
        }
        ensure(
            one_centered.len() <= 1,
            "dragan",
            self.penalty(PenaltyKind::Dragan).unwrap_or_default(),
            "dragan and gradient_penalty cannot be combined; set one of them to 0",
        )?;
        ensure(
            one_centered.is_empty() || self.weight_clip().is_none(),
            "clip",
            self.weight_clip().unwrap_or_default(),
            "with clipped weights, D's gradient cannot reach the norm of 1 that \
             gradient_penalty and dragan require; set one of them to 0",
        )
    }
}

/// Returns an error about the value of `key` unless it is `possible`.
fn ensure(possible: bool, key: &str, value: impl ToString, reason: &str) -> Result<()> {
    if possible {
        return Ok(());
    }
    Err(Error::Impossible {
        key: key.to_owned(),
        value: value.to_string(),
        reason: reason.to_owned(),
    })
}
