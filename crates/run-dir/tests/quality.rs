//! `quality.jsonl`, from outside.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;

use common::{config, real_images};
use run_dir::{Error, QualityRow, RunDir};

/// A row with all that can be measured, each number another.
fn quality(step: u64) -> QualityRow {
    QualityRow {
        step,
        images_seen: 64 * step,
        seconds: 12.5,
        evaluation_seconds: 0.75,
        forgeries: 2000,
        originals: 10_000,
        features: "classifier".to_owned(),
        fid: 7.0 / 3.0,
        fid_floor: Some(1.98),
        kid: Some(-1e-4),
        kid_std: Some(2e-4),
        kid_floor: Some(3e-5),
        precision: Some(0.9),
        recall: Some(0.8),
        density: Some(1.1),
        coverage: Some(0.7),
        precision_floor: Some(0.91),
        recall_floor: Some(0.92),
        density_floor: Some(1.01),
        coverage_floor: Some(0.93),
        digit_shares: Some([0.1, 0.2, 0.0, 0.05, 0.15, 0.06, 0.14, 0.07, 0.13, 0.1]),
        digits_kl: Some(0.12),
        digits_kl_floor: Some(0.002),
        confidence: Some(0.99),
        confidence_floor: Some(0.995),
        asked_digit: Some(0.95),
        c_t: Some(-0.5),
        c_t_null_mean: Some(0.01),
        c_t_null_std: Some(0.02),
        near_duplicates: Some(11),
        near_duplicates_floor: Some(9.999),
        parzen: Some(225.5),
        parzen_error: Some(2.5),
        parzen_width: Some(0.17),
        parzen_floor: Some(243.5),
        inception_fid: Some(6.67),
        inception_fid_floor: Some(1.5),
    }
}

/// A row with nothing but what each must have.
fn bare_quality(step: u64) -> QualityRow {
    QualityRow {
        step,
        features: "classifier".to_owned(),
        fid: 7.4,
        ..QualityRow::default()
    }
}

#[test]
fn quality_comes_back_in_order_and_without_a_line_cut_short() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), Some(&real_images())).unwrap();
    assert_eq!(run.quality_path(), dir.path().join("quality.jsonl"));
    assert_eq!(run.quality().unwrap(), []);
    for row in [quality(100), bare_quality(300), quality(100)] {
        run.append_quality(&row).unwrap();
    }
    let rows = [quality(100), bare_quality(300), quality(100)];
    assert_eq!(run.quality().unwrap(), rows);
    let whole = fs::read_to_string(run.quality_path()).unwrap();
    fs::write(run.quality_path(), &whole[..whole.len() - 1]).unwrap();
    assert_eq!(run.quality().unwrap(), rows[..2]);
    fs::write(run.quality_path(), format!("{whole}{{}}\n")).unwrap();
    let refused = run.quality().unwrap_err();
    assert!(matches!(refused, Error::Row { line: Some(4), .. }));
}

#[test]
fn what_was_not_measured_has_no_place_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), None).unwrap();
    run.append_quality(&bare_quality(300)).unwrap();
    assert_eq!(
        fs::read_to_string(run.quality_path()).unwrap(),
        concat!(
            r#"{"step":300,"images_seen":0,"seconds":0.0,"evaluation_seconds":0.0,"#,
            r#""forgeries":0,"originals":0,"features":"classifier","fid":7.4}"#,
            "\n"
        )
    );
}

/// Makes a number one that JSON does not have.
type Break = fn(&mut QualityRow);

#[test]
fn quality_that_is_not_finite_is_refused_by_the_name_of_each_field() {
    let breaks: [(&[&str], Break); 6] = [
        (&["fid"], |row| row.fid = f64::NAN),
        (&["seconds"], |row| row.seconds = f64::INFINITY),
        (&["recall"], |row| row.recall = Some(f64::NAN)),
        (&["parzen_error"], |row| {
            row.parzen_error = Some(f64::NEG_INFINITY);
        }),
        (&["digit_shares"], |row| {
            row.digit_shares = Some([f64::NAN; 10]);
        }),
        (&["c_t", "kid"], |row| {
            (row.c_t, row.kid) = (Some(f64::NAN), Some(f64::NAN));
        }),
    ];
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), None).unwrap();
    for (names, break_rule) in breaks {
        let mut row = quality(1);
        break_rule(&mut row);
        let refused = run.append_quality(&row).unwrap_err();
        assert!(matches!(refused, Error::Row { line: None, .. }));
        let text = refused.to_string();
        assert!(text.contains("quality.jsonl, a new row"), "{text}");
        let expected = format!("not a finite number: {}", names.join(", "));
        assert!(text.ends_with(&expected), "{text}");
        assert!(!run.quality_path().exists());
    }
}

#[test]
fn a_line_without_a_finite_fid_is_no_quality() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), None).unwrap();
    let sound = serde_json::to_string(&bare_quality(1)).unwrap();
    for wrong in ["null", "1e999", "\"7.4\""] {
        let line = sound.replace("7.4", wrong);
        fs::write(run.quality_path(), format!("{sound}\n{line}\n")).unwrap();
        let refused = run.quality().unwrap_err();
        assert!(
            matches!(refused, Error::Row { line: Some(2), .. }),
            "{wrong}"
        );
    }
}
