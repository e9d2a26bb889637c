//! Changing settings by name, refusing impossible ones, and the schedules.

#![allow(clippy::unwrap_used, clippy::panic)]

use gan_config::{
    AdamConfig, Error, KEYS, LOSS_INFOS, LipschitzConstraint, LossInfo, OptimizerConfig,
    PenaltyKind, Pretraining, Schedule, SchedulePosition, Settings, Update, preset, presets,
};

fn settings(name: &str) -> Settings {
    preset(name).unwrap().settings.clone()
}

fn with(mut settings: Settings, pair: &str) -> Settings {
    settings.set(pair).unwrap();
    settings
}

fn adam(settings: &mut Settings) -> &mut AdamConfig {
    match &mut settings.optimizer {
        OptimizerConfig::Adam(adam) => adam,
        OptimizerConfig::Sgd(_) => panic!("the optimizer is sgd"),
    }
}

#[test]
fn set_changes_numbers_names_and_nested_keys() {
    let with = |pair: &str| with(settings("modern"), pair);
    assert_eq!(with("lr_d=1e-4").lr_d, 1e-4);
    assert_eq!(with("lr_d = 1").lr_d, 1.0);
    assert_eq!(with("batch=16").batch, 16);
    assert_eq!(with("loss=minimax").loss, "minimax");
    assert_eq!(with("loss=\"minimax\"").loss, "minimax");
    assert_eq!(adam(&mut with("adam.beta1=0.5")).beta1, 0.5);
    assert_eq!(with("update=simultaneous").update, Update::Simultaneous);
    assert_eq!(with("schedule=step-decay").schedule, Schedule::StepDecay);
    assert!(with("with_replacement=true").with_replacement);
    assert_eq!(with("r1=0").penalty(PenaltyKind::R1), None);
    assert_eq!(with("dragan=3").penalty(PenaltyKind::Dragan), Some(3.0));
}

#[test]
fn zero_means_none() {
    let mut settings = settings("modern");
    for pair in ["ema_images=0", "evaluate_every=0", "clip=0", "train_images=0", "r1=0", "r2=0"] {
        settings.set(pair).unwrap();
    }
    assert_eq!(settings.ema, None);
    assert_eq!(settings.evaluate_every, None);
    assert_eq!(settings.lipschitz_constraint, None);
    assert_eq!(settings.train_images, None);
    assert_eq!(settings.penalties, []);
    settings.set("pretrain_images=0").unwrap();
    assert_eq!(settings.pretraining, None);
}

#[test]
fn set_refuses_wrong_pairs_and_names_the_right_ones() {
    let base = settings("modern");
    let refusal = |pair: &str| {
        let mut changed = base.clone();
        let error = changed.set(pair).unwrap_err().to_string();
        assert_eq!(changed, base, "{pair}");
        error
    };
    assert!(refusal("lr_d").contains("KEY=VALUE"));
    assert!(refusal("lr=1").contains("did you mean lr_"));
    assert!(refusal("learning_rate=1").contains("lr_d"));
    assert!(refusal("adam.beta3=1").contains("did you mean adam.beta"));
    assert!(refusal("adam=1").contains("adam.beta1"));
    assert!(refusal("a.b.c=1").contains("no setting"));
    assert!(refusal("network=golbin").contains("no setting"));
    assert!(refusal("loss=hing").contains("did you mean hinge?"));
    assert!(refusal("loss=best").contains("non-saturating"));
    assert!(refusal("batch=-1").contains("batch=-1"));
    assert!(refusal("batch=1.5").contains("whole number"));
    assert!(refusal("lr_d=1e400").contains("finite"));
    assert!(refusal("lr_d=nan").contains("finite"));
    assert!(refusal("spectral_norm=yes").contains("true or false"));
    assert!(refusal("=").contains("no setting"));
    assert!(refusal("batch=1\nlr_d=2").contains("batch"));
    assert!(refusal("momentum.first=0.5").contains("optimizer=sgd"));
    assert!(refusal("pretrain_batch=5").contains("pretrain_images"));
}

#[test]
fn presets_are_found_by_name_and_misspelt_ones_are_corrected() {
    for preset in presets() {
        preset.settings.check().unwrap();
        preset.settings.check_images(60_000).unwrap();
        preset.figures.check().unwrap();
        assert_eq!(gan_config::preset(&preset.name).unwrap(), preset);
        assert!(LossInfo::find(&preset.settings.loss).is_some());
    }
    let refused = preset("moden").unwrap_err().to_string();
    assert!(refused.contains("did you mean modern?"), "{refused}");
    let refused = preset("").unwrap_err();
    assert!(matches!(refused, Error::UnknownPreset { most_similar: None, .. }), "{refused}");
}

#[test]
fn the_table_holds_nine_presets_and_the_default_comes_first() {
    assert_eq!(presets()[0].name, "modern");
}

#[test]
fn conditional_names_the_networks_or_the_preset_to_use() {
    let networks = |name: &str| preset(name).unwrap().networks(true);
    assert_eq!(networks("modern"), Ok("modern-conditional"));
    assert_eq!(networks("golbin-conditional"), Ok("golbin-conditional"));
    let refused = networks("golbin").unwrap_err().to_string();
    assert!(refused.contains("--preset golbin-conditional"), "{refused}");
    assert!(networks("dcgan").is_err());
    assert_eq!(preset("dcgan").unwrap().networks(false), Ok("dcgan"));
}

#[test]
fn every_loss_can_be_chosen_by_name() {
    for loss in LOSS_INFOS {
        let mut settings = settings("modern");
        settings.set(&format!("loss={}", loss.name)).unwrap();
        settings.check().unwrap();
    }
}

#[test]
fn keys_are_unique_and_explained() {
    for (i, key) in KEYS.iter().enumerate() {
        assert!(!key.help.is_empty(), "{}", key.name);
        assert!(KEYS[..i].iter().all(|other| other.name != key.name), "{}", key.name);
    }
}

#[test]
fn settings_survive_toml() {
    for preset in presets() {
        let text = toml::to_string(&preset.settings).unwrap();
        let read: Settings = toml::from_str(&text).unwrap();
        assert_eq!(read, preset.settings, "{text}");
        let unknown = format!("batches = 3\n{text}");
        assert!(toml::from_str::<Settings>(&unknown).is_err());
    }
}

#[test]
fn values_of_the_preset_shrink_to_the_data_and_others_stay() {
    let preset = settings("golbin");
    let mut changed = preset.clone();
    let notes = changed.limit_to_data(60, &preset);
    assert_eq!((changed.batch, changed.train_images), (60, Some(60)));
    assert!(notes.contains(
        &"train_images = 60 instead of 55000: the data set has only 60 training images".into()
    ));
    changed.check().and_then(|()| changed.check_images(60)).unwrap();
    // 60,000 images are enough for every preset.
    for preset in presets() {
        let mut changed = preset.settings.clone();
        assert_eq!(changed.limit_to_data(60_000, &preset.settings), [""; 0], "{}", preset.name);
        assert_eq!(changed, preset.settings);
    }
    let mut typed = with(preset.clone(), "batch=77");
    typed.limit_to_data(60, &preset);
    assert_eq!(typed.batch, 77);
}

#[test]
fn impossible_values_are_refused_by_key() {
    let refused = |change: fn(&mut Settings), key: &str| {
        let mut changed = settings("modern");
        change(&mut changed);
        let checked = changed.check().and_then(|()| changed.check_images(60_000));
        let error = checked.unwrap_err().to_string();
        assert!(error.starts_with(key), "{error}");
    };
    refused(|s| s.batch = 0, "batch");
    refused(|s| s.batch = 60_001, "batch");
    refused(|s| (s.train_images, s.batch) = (Some(10), 11), "batch");
    refused(|s| s.train_images = Some(60_001), "train_images");
    refused(|s| s.images = 0, "images");
    refused(|s| s.penalty_every = 0, "penalty_every");
    refused(|s| s.report_every = 0, "report_every");
    refused(|s| s.snapshot_every = 0, "snapshot_every");
    refused(|s| s.evaluate_every = Some(0), "evaluate_every");
    refused(
        |s| {
            s.pretraining = Some(Pretraining { images: 100, batch: 0 });
        },
        "pretrain_batch",
    );
    refused(|s| s.lr_d = 0.0, "lr_d");
    refused(|s| s.lr_g = f64::NAN, "lr_g");
    refused(|s| s.set_penalty(PenaltyKind::R1, -1.0), "r1");
    refused(|s| s.set_penalty(PenaltyKind::R2, f64::INFINITY), "r2");
    refused(
        |s| {
            s.ema = Some(gan_config::EmaConfig { half_life_images: -1.0 });
        },
        "ema_images",
    );
    refused(
        |s| {
            s.loss = "wasserstein".to_owned();
            s.penalties.clear();
        },
        "loss",
    );
    refused(|s| s.set_penalty(PenaltyKind::GradientPenalty, -1.0), "gradient_penalty");
    refused(|s| s.set_penalty(PenaltyKind::Dragan, f64::NAN), "dragan");
    refused(|s| s.lipschitz_constraint = Some(LipschitzConstraint::Clip { limit: -0.1 }), "clip");
    refused(|s| s.set_penalty(PenaltyKind::GradientPenalty, 10.0), "gradient_penalty");
    refused(
        |s| {
            s.set_penalty(PenaltyKind::Dragan, 10.0);
            s.set_penalty(PenaltyKind::R2, 0.0);
        },
        "dragan",
    );
    refused(
        |s| {
            s.penalties.clear();
            s.set_penalty(PenaltyKind::GradientPenalty, 10.0);
            s.set_penalty(PenaltyKind::Dragan, 10.0);
        },
        "dragan",
    );
    refused(
        |s| {
            s.penalties.clear();
            s.set_penalty(PenaltyKind::GradientPenalty, 10.0);
            s.lipschitz_constraint = Some(LipschitzConstraint::Clip { limit: 0.01 });
        },
        "clip",
    );
    refused(|s| s.optimizer = sgd(1.0, 0.0), "momentum.first");
    refused(|s| s.optimizer = sgd(0.0, -0.1), "momentum.last");
    refused(|s| adam(s).beta1 = 1.0, "adam.beta1");
    refused(|s| adam(s).beta2 = f64::NAN, "adam.beta2");
    refused(|s| adam(s).epsilon = 0.0, "adam.epsilon");
    refused(|s| adam(s).clip_update_rms = Some(f64::INFINITY), "adam.clip_update_rms");
    refused(|s| s.logit_limit = Some(-1.0), "logit_limit");
    refused(|s| s.loss_d_weight = 0.0, "loss_d_weight");
}

#[test]
fn clip_and_spectral_norm_exclude_each_other() {
    let clipped = with(settings("modern"), "clip=0.01");
    assert_eq!(clipped.lipschitz_constraint, Some(LipschitzConstraint::Clip { limit: 0.01 }));
    let error = clipped.clone().set("spectral_norm=true").unwrap_err().to_string();
    assert!(error.contains("clip"), "{error}");
    assert_eq!(with(clipped.clone(), "spectral_norm=false"), clipped);
    let normalized = with(settings("modern"), "spectral_norm=true");
    let error = normalized.clone().set("clip=0.01").unwrap_err().to_string();
    assert!(error.contains("spectral_norm"), "{error}");
    assert_eq!(with(normalized.clone(), "clip=0"), normalized);
    let changed = with(with(clipped, "clip=0"), "spectral_norm=true");
    assert_eq!(changed, normalized);
}

fn sgd(first: f64, last: f64) -> OptimizerConfig {
    OptimizerConfig::Sgd(gan_config::MomentumSchedule { first, last, epochs: 1 })
}

#[test]
fn wasserstein_is_accepted_with_anything_that_bounds_d() {
    let mut bare = settings("modern");
    for pair in ["loss=wasserstein", "r1=0", "r2=0"] {
        bare.set(pair).unwrap();
    }
    assert!(bare.check().is_err());
    for bound in
        ["r1=1", "r2=1", "gradient_penalty=10", "dragan=10", "clip=0.01", "spectral_norm=true"]
    {
        with(bare.clone(), bound).check().unwrap();
    }
}

/// A position in a schedule of 550 batches.
fn at(done: f64) -> SchedulePosition {
    SchedulePosition { fraction_done: done, steps_done: 0, total_batches: 550 }
}

#[test]
fn schedules_start_at_the_full_rate_and_end_where_documented() {
    for schedule in [
        Schedule::Constant,
        Schedule::Cosine,
        Schedule::StepDecay,
        Schedule::LinearDecay,
        Schedule::Notebook,
    ] {
        assert_eq!(schedule.lr_factor(at(0.0)), 1.0, "{schedule:?}");
        assert_eq!(schedule.lr_factor(at(-1.0)), 1.0);
        assert_eq!(schedule.lr_factor(at(2.0)), schedule.lr_factor(at(1.0)));
        let falling: Vec<f64> =
            (0..=10).map(|i| schedule.lr_factor(at(f64::from(i) / 10.0))).collect();
        assert!(falling.is_sorted_by(|a, b| a >= b), "{schedule:?}");
    }
    let steps = [0.59, 0.6, 0.79, 0.8, 1.0].map(|done| Schedule::StepDecay.lr_factor(at(done)));
    assert_eq!(steps, [1.0, 0.1, 0.1, 0.01, 0.01]);
    assert_eq!(Schedule::Constant.lr_factor(at(1.0)), 1.0);
    assert!((Schedule::Cosine.lr_factor(at(1.0)) - 0.01).abs() < 1e-12);
    assert!((Schedule::Cosine.lr_factor(at(0.5)) - 0.505).abs() < 1e-12);
    assert!((Schedule::LinearDecay.lr_factor(at(1.0)) - 0.01).abs() < 1e-12);
    assert_eq!(Schedule::LinearDecay.lr_factor(at(0.4)), 1.0);
}

#[test]
fn the_notebook_schedule_is_the_original_one() {
    assert_eq!(Schedule::Notebook.batches_for_steps(450), Some(550));
    assert_eq!(settings("oshea-notebook").batches(), 550);
    assert_eq!(Schedule::Notebook.steps(550), 450);
    assert_eq!(Schedule::Notebook.batches_for_steps(u64::MAX), None);
    assert_eq!(Schedule::StepDecay.batches_for_steps(450), Some(450));
}

#[test]
fn any_number_of_steps_is_possible_in_a_schedule_that_changes_its_batch() {
    let schedule = Schedule::Notebook;
    for steps in 1..=460 {
        let batches = schedule.batches_for_steps(steps).unwrap();
        let (mut taken, mut seen) = (0, 0);
        while seen < batches {
            seen += schedule.batches_per_step(SchedulePosition {
                fraction_done: seen as f64 / batches as f64,
                steps_done: taken,
                total_batches: batches,
            });
            taken += 1;
        }
        assert_eq!((taken, seen), (steps, batches));
    }
}
