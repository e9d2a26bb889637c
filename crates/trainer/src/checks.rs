//! What settings cannot work, and why.

use crate::losses::Loss;
use crate::settings::{Settings, SettingsError};

type Checked = Result<(), SettingsError>;

impl Settings {
    /// Refuses what cannot work with `available` training images.
    ///
    /// # Errors
    /// [`SettingsError::Impossible`] with the key and what it must be.
    pub fn check(&self, available: u64) -> Checked {
        self.check_counts(available)?;
        self.check_numbers()?;
        self.check_combinations()
    }

    fn check_counts(&self, available: u64) -> Checked {
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
                    value,
                    format!("it must be at least 1 and at most {available}"),
                );
            }
        }
        if self.train_images > available {
            return refuse(
                "train_images",
                self.train_images,
                format!("there are only {available} images; 0 takes all: --set train_images=0"),
            );
        }
        if self.train_images != 0 && self.batch > self.train_images {
            return refuse("batch", self.batch, "it must be at most train_images");
        }
        for (key, value) in [
            ("images", self.images),
            ("penalty_every", self.penalty_every),
            ("report_every", self.report_every),
            ("snapshot_every", self.snapshot_every),
        ] {
            if value == 0 {
                return refuse(key, value, "it must be at least 1");
            }
        }
        Ok(())
    }

    fn check_numbers(&self) -> Checked {
        for (key, value) in [
            ("lr_d", self.lr_d),
            ("lr_g", self.lr_g),
            ("loss_d_weight", self.loss_d_weight),
            ("adam.epsilon", self.adam.epsilon),
        ] {
            if !(value > 0.0 && value.is_finite()) {
                return refuse(key, value, "it must be above 0");
            }
        }
        for (key, value) in [
            ("r1", self.r1),
            ("r2", self.r2),
            ("gradient_penalty", self.gradient_penalty),
            ("dragan", self.dragan),
            ("clip", self.clip),
            ("ema_images", self.ema_images),
            ("logit_limit", self.logit_limit),
            ("adam.limit", self.adam.limit),
        ] {
            if !(value >= 0.0 && value.is_finite()) {
                return refuse(key, value, "it must be 0 or above");
            }
        }
        for (key, value) in [
            ("adam.beta1", self.adam.beta1),
            ("adam.beta2", self.adam.beta2),
            ("momentum.first", self.momentum.first),
            ("momentum.last", self.momentum.last),
        ] {
            if !(0.0..1.0).contains(&value) {
                return refuse(key, value, "it must be at least 0 and below 1");
            }
        }
        Ok(())
    }

    fn check_combinations(&self) -> Checked {
        if self.loss == Loss::Wasserstein
            && !self.penalized()
            && self.clip == 0.0
            && !self.spectral_norm
        {
            return refuse(
                "loss",
                "wasserstein",
                "nothing keeps D's logits from growing; set gradient_penalty=10, clip=0.01, \
                 spectral_norm=true, r1, r2 or dragan",
            );
        }
        let (key, unit) = match self.gradient_penalty > 0.0 {
            true => ("gradient_penalty", self.gradient_penalty),
            false => ("dragan", self.dragan),
        };
        if unit > 0.0 && (self.r1 > 0.0 || self.r2 > 0.0) {
            return refuse(
                key,
                unit,
                "it pulls D's gradients to length 1 and r1 and r2 pull them to 0; add \
                 --set r1=0 --set r2=0",
            );
        }
        if self.gradient_penalty > 0.0 && self.dragan > 0.0 {
            return refuse(
                "dragan",
                self.dragan,
                "gradient_penalty wants gradients of length 1 elsewhere; set one of the two to 0",
            );
        }
        if self.clip > 0.0 && (self.gradient_penalty > 0.0 || self.dragan > 0.0) {
            return refuse(
                "clip",
                self.clip,
                "so small weights cannot reach the gradients of length 1 that gradient_penalty \
                 and dragan want; set one of them to 0",
            );
        }
        if self.clip > 0.0 && self.spectral_norm {
            return refuse(
                "clip",
                self.clip,
                "spectral_norm divides the size of the weights out again; choose one of the two",
            );
        }
        if self.simultaneous && !self.shared_latents {
            return refuse(
                "simultaneous",
                true,
                "one pass has one set of latents; set shared_latents=true",
            );
        }
        Ok(())
    }
}

pub(crate) fn refuse(
    key: &'static str,
    value: impl ToString,
    reason: impl Into<String>,
) -> Checked {
    Err(SettingsError::Impossible {
        key,
        value: value.to_string(),
        reason: reason.into(),
    })
}
