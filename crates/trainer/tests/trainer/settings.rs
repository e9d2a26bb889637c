//! Settings: overriding, refusing, and the schedule.

use gan_trainer::losses::Loss;
use gan_trainer::presets;
use gan_trainer::schedule::{Schedule, Standing};
use gan_trainer::settings::Settings;

use crate::settings;

#[test]
fn set_overrides_numbers_words_and_nested_keys() {
    let base = settings("modern");
    let with = |pair: &str| base.with(pair).unwrap();
    assert_eq!(with("lr_d=1e-4").lr_d, 1e-4);
    assert_eq!(with("lr_d = 1").lr_d, 1.0);
    assert_eq!(with("batch=16").batch, 16);
    assert_eq!(with("loss=minimax").loss, Loss::Minimax);
    assert_eq!(with("loss=\"minimax\"").loss, Loss::Minimax);
    assert_eq!(with("adam.beta1=0.5").adam.beta1, 0.5);
    assert!(with("with_replacement=true").with_replacement);
}

#[test]
fn set_refuses_what_does_not_fit_and_says_what_would() {
    let base = settings("modern");
    let refusal = |pair: &str| base.with(pair).unwrap_err().to_string();
    assert!(refusal("lr_d").contains("key=value"));
    assert!(refusal("learning_rate=1").contains("lr_d"));
    assert!(refusal("adam.beta3=1").contains("adam.beta1"));
    assert!(refusal("adam=1").contains("invalid type"));
    assert!(refusal("a.b.c=1").contains("unknown key"));
    assert!(refusal("network=golbin").contains("--preset"));
    assert!(!refusal("a=1").contains("network"));
    assert!(refusal("loss=best").contains("non-saturating"));
    assert!(refusal("batch=-1").contains("batch=-1"));
    assert!(refusal("batch=1.5").contains("batch=1.5"));
    assert!(refusal("=").contains("unknown key"));
    assert!(refusal("batch=1\nlr_d=2").contains("batch"));
}

#[test]
fn every_preset_can_work_on_mnist() {
    for preset in presets::all() {
        preset.settings.check(60_000).unwrap();
        let found = presets::find(preset.name).unwrap();
        assert_eq!(found.settings, preset.settings);
    }
}

#[test]
fn the_contract_names_the_presets_that_there_are() {
    let names: Vec<&str> = presets::all().iter().map(|p| p.name).collect();
    assert_eq!(names, run_dir::PRESETS);
}

#[test]
fn impossible_values_are_refused_by_name() {
    let refused = |change: fn(&mut Settings), key: &str| {
        let mut changed = settings("modern");
        change(&mut changed);
        let error = changed.check(60_000).unwrap_err().to_string();
        assert!(error.starts_with(key), "{error}");
    };
    refused(|s| s.batch = 0, "batch");
    refused(|s| s.batch = 60_001, "batch");
    refused(
        |s| {
            s.train_images = 10;
            s.batch = 11;
        },
        "batch",
    );
    refused(|s| s.train_images = 60_001, "train_images");
    refused(|s| s.images = 0, "images");
    refused(|s| s.penalty_every = 0, "penalty_every");
    refused(|s| s.report_every = 0, "report_every");
    refused(|s| s.snapshot_every = 0, "snapshot_every");
    refused(
        |s| {
            s.pretrain_images = 100;
            s.pretrain_batch = 0;
        },
        "pretrain_batch",
    );
    refused(|s| s.lr_d = 0.0, "lr_d");
    refused(|s| s.lr_g = f64::NAN, "lr_g");
    refused(|s| s.r1 = -1.0, "r1");
    refused(|s| s.r2 = f64::INFINITY, "r2");
    refused(|s| s.ema_images = -1.0, "ema_images");
    refused(
        |s| {
            s.loss = Loss::Wasserstein;
            (s.r1, s.r2) = (0.0, 0.0);
        },
        "loss",
    );
    refused(|s| s.gradient_penalty = -1.0, "gradient_penalty");
    refused(|s| s.dragan = f64::NAN, "dragan");
    refused(|s| s.clip = -0.1, "clip");
    refused(|s| s.gradient_penalty = 10.0, "gradient_penalty");
    refused(|s| (s.dragan, s.r2) = (10.0, 0.0), "dragan");
    refused(
        |s| {
            (s.r1, s.r2) = (0.0, 0.0);
            (s.gradient_penalty, s.dragan) = (10.0, 10.0);
        },
        "dragan",
    );
    refused(
        |s| {
            (s.r1, s.r2) = (0.0, 0.0);
            (s.gradient_penalty, s.clip) = (10.0, 0.01);
        },
        "clip",
    );
    refused(|s| (s.spectral_norm, s.clip) = (true, 0.01), "clip");
    refused(|s| s.simultaneous = true, "simultaneous");
    refused(|s| s.momentum.first = 1.0, "momentum.first");
    refused(|s| s.momentum.last = -0.1, "momentum.last");
    refused(|s| s.adam.beta1 = 1.0, "adam.beta1");
    refused(|s| s.adam.beta2 = f64::NAN, "adam.beta2");
    refused(|s| s.adam.epsilon = 0.0, "adam.epsilon");
    refused(|s| s.adam.limit = f64::INFINITY, "adam.limit");
}

#[test]
fn wasserstein_is_taken_with_whatever_keeps_d_from_growing() {
    let bare = settings("modern")
        .with("loss=wasserstein")
        .and_then(|s| s.with("r1=0"))
        .and_then(|s| s.with("r2=0"))
        .unwrap();
    assert!(bare.check(60_000).is_err());
    for held in [
        "r1=1",
        "r2=1",
        "gradient_penalty=10",
        "dragan=10",
        "clip=0.01",
        "spectral_norm=true",
    ] {
        bare.with(held).unwrap().check(60_000).unwrap();
    }
}

/// So much of a schedule of 550 batches is over.
fn at(done: f64) -> Standing {
    Standing {
        done,
        updates: 0,
        batches: 550,
    }
}

#[test]
fn schedules_start_full_and_end_where_they_say() {
    for schedule in [
        Schedule::Constant,
        Schedule::Cosine,
        Schedule::Tenths,
        Schedule::Late,
        Schedule::Notebook,
    ] {
        assert_eq!(schedule.factor(at(0.0)), 1.0, "{schedule:?}");
        assert_eq!(schedule.factor(at(-1.0)), 1.0);
        assert_eq!(schedule.factor(at(2.0)), schedule.factor(at(1.0)));
        let falling: Vec<f64> = (0..=10)
            .map(|i| schedule.factor(at(f64::from(i) / 10.0)))
            .collect();
        assert!(falling.is_sorted_by(|a, b| a >= b), "{schedule:?}");
    }
    let tenths = [0.59, 0.6, 0.79, 0.8, 1.0].map(|done| Schedule::Tenths.factor(at(done)));
    assert_eq!(tenths, [1.0, 0.1, 0.1, 0.01, 0.01]);
    assert_eq!(Schedule::Constant.factor(at(1.0)), 1.0);
    assert!((Schedule::Cosine.factor(at(1.0)) - 0.01).abs() < 1e-12);
    assert!((Schedule::Cosine.factor(at(0.5)) - 0.505).abs() < 1e-12);
    assert!((Schedule::Late.factor(at(1.0)) - 0.01).abs() < 1e-12);
    assert_eq!(Schedule::Late.factor(at(0.4)), 1.0);
}

#[test]
fn the_notebooks_schedule_is_its_authors() {
    assert_eq!(Schedule::Notebook.batches_of(450), Some(550));
    assert_eq!(settings("oshea-notebook").batches(), 550);
    assert_eq!(Schedule::Notebook.steps(550), 450);
    assert_eq!(Schedule::Notebook.batches_of(u64::MAX), None);
    assert_eq!(Schedule::Tenths.batches_of(450), Some(450));
}
