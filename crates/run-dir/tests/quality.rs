//! `quality.jsonl`, from outside.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;

use common::{config, real_images};
use run_dir::{Error, Measurement, QualityRow, RunDir};

/// A row with all that can be measured, each number another.
fn quality(step: u64) -> QualityRow {
    let fid = Measurement { value: 7.0 / 3.0, reference: Some(1.98), ..Measurement::default() };
    let kid = Measurement {
        value: -1e-4,
        reference: Some(3e-5),
        error: Some(2e-4),
        ..Measurement::default()
    };
    let shares = vec![0.1, 0.2, 0.0, 0.05, 0.15, 0.06, 0.14, 0.07, 0.13, 0.1];
    let digits = Measurement {
        value: 0.12,
        reference: Some(0.002),
        error: None,
        details: [("shares".to_owned(), shares)].into(),
    };
    let asked = Measurement { value: 0.95, ..Measurement::default() };
    QualityRow {
        step,
        images_seen: 64 * step,
        seconds: 12.5,
        evaluation_seconds: 0.75,
        samples: 2000,
        test_images: 10_000,
        metrics: [("fid", fid), ("kid", kid), ("digits_kl", digits), ("requested_digit", asked)]
            .map(|(name, metric)| (name.to_owned(), metric))
            .into(),
    }
}

/// A row with an FID and nothing else.
fn bare_quality(step: u64) -> QualityRow {
    let fid = Measurement { value: 7.4, ..Measurement::default() };
    QualityRow { step, metrics: [("fid".to_owned(), fid)].into(), ..QualityRow::default() }
}

#[test]
fn reads_rows_in_order_and_skips_an_incomplete_last_line() {
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
fn leaves_out_what_was_not_measured() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), None).unwrap();
    run.append_quality(&bare_quality(300)).unwrap();
    assert_eq!(
        fs::read_to_string(run.quality_path()).unwrap(),
        concat!(
            r#"{"step":300,"images_seen":0,"seconds":0.0,"evaluation_seconds":0.0,"#,
            r#""samples":0,"test_images":0,"metrics":{"fid":{"value":7.4}}}"#,
            "\n"
        )
    );
}

/// Makes a number infinite or NaN.
type Break = fn(&mut QualityRow);

fn metric<'a>(row: &'a mut QualityRow, name: &str) -> &'a mut Measurement {
    row.metrics.get_mut(name).unwrap()
}

#[test]
fn refuses_numbers_that_are_not_finite_and_names_each_field() {
    let breaks: [(&[&str], Break); 6] = [
        (&["metrics.fid.value"], |row| {
            metric(row, "fid").value = f64::NAN;
        }),
        (&["seconds"], |row| row.seconds = f64::INFINITY),
        (&["metrics.fid.reference"], |row| {
            metric(row, "fid").reference = Some(f64::NAN);
        }),
        (&["metrics.kid.error"], |row| {
            metric(row, "kid").error = Some(f64::NEG_INFINITY);
        }),
        (&["metrics.digits_kl.details.shares"], |row| {
            let digits = metric(row, "digits_kl");
            digits.details.insert("shares".to_owned(), vec![f64::NAN; 10]);
        }),
        (&["metrics.fid.value", "metrics.kid.value"], |row| {
            metric(row, "fid").value = f64::NAN;
            metric(row, "kid").value = f64::NAN;
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
fn refuses_a_line_without_a_finite_value() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), None).unwrap();
    let sound = serde_json::to_string(&bare_quality(1)).unwrap();
    for wrong in ["null", "1e999", "\"7.4\""] {
        let line = sound.replace("7.4", wrong);
        fs::write(run.quality_path(), format!("{sound}\n{line}\n")).unwrap();
        let refused = run.quality().unwrap_err();
        assert!(matches!(refused, Error::Row { line: Some(2), .. }), "{wrong}");
    }
}
