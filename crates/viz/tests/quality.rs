//! The quality curves' SVG, read back as XML, and where runs get one.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use std::fs;

use common::runs::{files, paths, run};
use common::svg::{BLUE, GREEN, ORANGE, PURPLE, Points, dots, lines, texts};
use gan_viz::figures::{draw_all, draw_progress};
use gan_viz::{Error, quality};
use run_dir::{Measurement, QualityRow};

fn evaluated(step: u64, fid: f64) -> QualityRow {
    let metric = |value, reference| Measurement { value, reference, ..Measurement::default() };
    QualityRow {
        step,
        samples: 2000,
        test_images: 10_000,
        metrics: [
            ("fid".to_owned(), metric(fid, Some(2.0))),
            ("precision".to_owned(), metric(0.5, None)),
            ("recall".to_owned(), metric(0.25, None)),
        ]
        .into(),
        ..QualityRow::default()
    }
}

fn set(row: &mut QualityRow, name: &str, value: f64) {
    row.metrics.get_mut(name).unwrap().value = value;
}

fn set_reference(row: &mut QualityRow, reference: Option<f64>) {
    row.metrics.get_mut("fid").unwrap().reference = reference;
}

/// Five rows to step 2,000, each FID a tenth of the one before.
fn falling() -> Vec<QualityRow> {
    let fids = [20_000.0, 2000.0, 200.0, 20.0, 2.0];
    let steps = (0..).step_by(500);
    steps.zip(fids).map(|(step, fid)| evaluated(step, fid)).collect()
}

#[test]
fn labels_name_the_metrics_and_counts() {
    let texts = texts(&quality(&falling(), "0001-modern<&").unwrap());
    for expected in [
        "0001-modern<&",
        "2,000 samples, 10,000 test images",
        "FID, logarithmic",
        "samples",
        "reference 2.00: training images",
        "Precision and recall",
        "precision, of samples",
        "recall, of test images",
        "step",
        "2,000",
        "1.0",
    ] {
        assert!(texts.iter().any(|t| t == expected), "{expected}: {texts:?}");
    }
}

#[test]
fn states_the_range_of_test_images() {
    let mut rows = falling();
    rows[4].test_images = 5000;
    set_reference(&mut rows[4], Some(1.5));
    let drawn = texts(&quality(&rows, "").unwrap());
    for expected in ["2,000 samples, 5,000 to 10,000 test images", "reference: training images"] {
        assert!(drawn.iter().any(|t| t == expected), "{drawn:?}");
    }
    for row in &mut rows {
        set_reference(row, None);
    }
    let svg = quality(&rows, "").unwrap();
    assert!(!texts(&svg).iter().any(|t| t.contains("reference")));
    assert!(lines(&svg, ORANGE).is_empty());
}

#[test]
fn fid_is_logarithmic_and_shares_are_linear() {
    let mut rows = falling();
    for (row, share) in rows.iter_mut().zip([0.0, 0.25, 0.5, 0.75, 1.0]) {
        set(row, "precision", share);
        set(row, "recall", 1.0 - share);
    }
    let svg = quality(&rows, "").unwrap();
    let [fid, reference, precision, recall] = [BLUE, ORANGE, PURPLE, GREEN].map(|color| {
        let drawn = lines(&svg, color);
        assert_eq!(drawn.len(), 1, "{color}");
        drawn.into_iter().next().unwrap()
    });
    // What falls tenfold from row to row falls evenly, down to the reference value of 2;
    // whole pixels leave half of one on either side.
    let evenly = |points: &Points| {
        let (first, last) = (points[0], points[4]);
        (0..5).all(|i| {
            let share = i as f64 / 4.0;
            let y = first.1 + share * (last.1 - first.1);
            let x = first.0 + share * (last.0 - first.0);
            (points[i].0 - x).abs() <= 1.0 && (points[i].1 - y).abs() <= 1.0
        })
    };
    assert!(evenly(&fid) && fid[0].1 < fid[4].1 - 100.0);
    assert!(reference.iter().all(|(_, y)| *y == fid[4].1));
    assert!(evenly(&precision) && precision[0].1 > precision[4].1 + 100.0);
    assert!(evenly(&recall) && recall[0].1 == precision[4].1);
    assert_eq!(dots(&svg, BLUE), fid);
}

#[test]
fn takes_the_last_row_of_a_step_and_sorts_steps() {
    let sound = falling();
    let mut again = vec![evaluated(1000, 7.0), evaluated(2000, 0.5)];
    again.extend(sound.iter().rev().cloned());
    assert_eq!(quality(&again, "").unwrap(), quality(&sound, "").unwrap());
}

#[test]
fn missing_values_leave_a_gap() {
    let mut rows: Vec<QualityRow> = (0..7).map(|i| evaluated(i * 100, 5.0)).collect();
    for i in [2, 4] {
        rows[i].metrics.retain(|name, _| name == "fid");
    }
    set_reference(&mut rows[3], None);
    let svg = quality(&rows, "").unwrap();
    let counts = |color| {
        let pieces = lines(&svg, color).into_iter();
        pieces.map(|piece| piece.len()).filter(|n| *n > 1).collect::<Vec<_>>()
    };
    // Row 3 stands between two gaps: a dot alone.
    for color in [PURPLE, GREEN] {
        assert_eq!(counts(color), [2, 2], "{color}");
        assert_eq!(dots(&svg, color).len(), 5, "{color}");
    }
    assert_eq!(counts(ORANGE), [3, 3]);
    assert_eq!(counts(BLUE), [7]);
}

#[test]
fn draws_a_single_row_between_gaps_as_a_dot() {
    let mut rows: Vec<QualityRow> = (0..100).map(|i| evaluated(i, 5.0)).collect();
    for row in &mut rows {
        row.metrics.remove("precision");
    }
    rows[50] = evaluated(50, 5.0);
    set(&mut rows[50], "precision", 0.9);
    for row in &mut rows[..99] {
        set_reference(row, None);
    }
    let svg = quality(&rows, "").unwrap();
    assert_eq!(dots(&svg, PURPLE).len(), 1);
    assert_eq!(dots(&svg, ORANGE).len(), 1);
    assert!(dots(&svg, BLUE).is_empty() && dots(&svg, GREEN).is_empty());
}

#[test]
fn tolerates_numbers_that_no_axis_can_show() {
    for odd in [f64::NAN, f64::INFINITY, f64::MAX, 0.0, -1.0, 1e-300] {
        let mut row = evaluated(u64::MAX, odd);
        set_reference(&mut row, Some(odd));
        set(&mut row, "precision", odd);
        for rows in [vec![row.clone()], vec![evaluated(0, 5.0), row]] {
            let svg = quality(&rows, "").unwrap();
            let drawn = texts(&svg);
            assert!(!svg.contains("points=\"NaN") && !svg.contains("-2147483648"));
            assert!(drawn.iter().any(|t| t == "step"));
            assert!(lines(&svg, BLUE).len() <= 1);
        }
    }
    assert!(matches!(quality(&[], ""), Err(Error::Empty)));
}

#[test]
fn draws_the_figure_once_two_steps_are_evaluated() {
    let (_dir, run) = run(4, 28, 28, &[0, 300]);
    let path = run.figures_dir().join("quality.svg");
    let drawn = || {
        let all = draw_all(&run).unwrap();
        [draw_progress(&run).unwrap(), all].map(|figures| paths(&figures).contains(&path))
    };
    assert_eq!(drawn(), [false; 2]);
    // One step is no curve, however often it was evaluated.
    for fid in [9.0, 8.0] {
        run.append_quality(&evaluated(100, fid)).unwrap();
        assert_eq!(drawn(), [false; 2]);
    }
    assert!(!files(&run.figures_dir()).contains(&"quality.svg".to_owned()));
    run.append_quality(&evaluated(300, 4.0)).unwrap();
    assert_eq!(drawn(), [true; 2]);
    let rows = [evaluated(100, 8.0), evaluated(300, 4.0)];
    let expected = quality(&rows, "0001-modern").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
}

#[test]
fn a_curve_uses_one_number_of_samples() {
    let curve = falling();
    let more = |row: &QualityRow| QualityRow { samples: 10_000, ..row.clone() };
    let drawn = |rows: &[QualityRow]| quality(rows, "title").unwrap();
    let last = more(&curve[4]);
    let with_last = [&curve[..], &[last]].concat();
    assert_eq!(drawn(&with_last), drawn(&curve));
    // One step is one point, however often it was evaluated.
    let again = [&curve[..2], &vec![more(&curve[1]); 2]].concat();
    assert_eq!(drawn(&again), drawn(&curve[..2]));
    // As many of either: the larger number stays.
    let both = [&curve[..], &curve.iter().map(more).collect::<Vec<_>>()].concat();
    assert_eq!(drawn(&both), drawn(&both[5..]));
}

#[test]
fn a_broken_row_is_an_error_with_file_and_line() {
    let (_dir, run) = run(4, 28, 28, &[0]);
    run.append_quality(&evaluated(100, 9.0)).unwrap();
    let sound = fs::read_to_string(run.quality_path()).unwrap();
    fs::write(run.quality_path(), format!("{sound}{{}}\n")).unwrap();
    for drawn in [draw_all(&run), draw_progress(&run)] {
        let error = drawn.unwrap_err().to_string();
        assert!(error.contains("quality.jsonl line 2"), "{error}");
    }
}
