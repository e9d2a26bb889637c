//! The plot of the losses, read as XML.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use common::svg::texts;
use gan_viz::losses;
use roxmltree::Document;
use run_dir::MetricsRow;

fn row(step: u64, loss: f64, share: f64) -> MetricsRow {
    MetricsRow {
        step,
        images_seen: step.saturating_mul(64),
        seconds: step as f64,
        loss_d: loss,
        loss_g: 2.0 - loss,
        d_real: share,
        d_fake: 1.0 - share,
        lr_d: 1e-3,
        lr_g: 1e-3,
    }
}

/// A line's color, opacity and points.
type Line = (String, String, Vec<(f64, f64)>);

fn lines(svg: &str) -> Vec<Line> {
    let document = Document::parse(svg).unwrap();
    let lines = document.descendants().filter(|n| n.has_tag_name("polyline"));
    lines
        .map(|line| {
            let points = line.attribute("points").unwrap().split_whitespace();
            let points = points.map(|point| {
                let (x, y) = point.split_once(',').unwrap();
                (x.parse().unwrap(), y.parse().unwrap())
            });
            let attribute = |name| line.attribute(name).unwrap().to_owned();
            (attribute("stroke"), attribute("opacity"), points.collect())
        })
        .collect()
}

/// D, G, real, fake.
const COLORS: [&str; 4] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7"];

#[test]
fn plot_labels_curves_and_axes() {
    let rows: Vec<MetricsRow> = (0..=50).map(|i| row(i * 200, 0.5, 0.75)).collect();
    let texts = texts(&losses(&rows, "0001-modern").unwrap());
    for expected in [
        "0001-modern",
        "Loss",
        "D",
        "G",
        "Classified as real by D, %",
        "real",
        "fake",
        "step",
        "10,000",
        "0",
        "100",
    ] {
        assert!(texts.iter().any(|t| t == expected), "{expected}: {texts:?}");
    }
}

#[test]
fn title_with_markup_is_escaped() {
    let title = "</text><script>\"'&\u{1}\u{ffff}";
    let texts = texts(&losses(&[row(1, 0.5, 0.5)], title).unwrap());
    assert!(texts.iter().any(|t| t == "</text><script>\"'&"));
}

#[test]
fn a_hundred_rows_or_more_get_a_moving_average() {
    let count = |rows: u64| {
        let rows: Vec<MetricsRow> =
            (0..rows).map(|i| row(i, (i % 7) as f64, 0.1 * (i % 9) as f64)).collect();
        let lines = lines(&losses(&rows, "").unwrap());
        COLORS.map(|color| {
            let drawn = lines.iter().filter(|(c, _, points)| c == color && points.len() > 2);
            let mut opacities: Vec<String> = drawn.map(|(_, o, _)| o.clone()).collect();
            opacities.sort();
            opacities
        })
    };
    assert!(count(99).iter().all(|o| o == &["1"]));
    assert!(count(100).iter().all(|o| o == &["0.25", "1"]));
}

#[test]
fn higher_values_are_higher_and_later_steps_further_right() {
    let rows: Vec<MetricsRow> = (0..50).map(|i| row(i, f64::from(i as u32), 0.5)).collect();
    for (color, _, points) in lines(&losses(&rows, "").unwrap()) {
        if points.len() < 3 {
            continue;
        }
        assert!(points.is_sorted_by(|a, b| a.0 < b.0));
        if color == COLORS[0] {
            assert!(points.is_sorted_by(|a, b| a.1 > b.1));
        } else if color == COLORS[1] {
            assert!(points.is_sorted_by(|a, b| a.1 < b.1));
        }
    }
}

#[test]
fn file_size_is_bounded_for_many_rows() {
    let rows: Vec<MetricsRow> = (0..50_000)
        .map(|i| row(i, (i * 7919 % 1000) as f64, (i * 31 % 101) as f64 / 100.0))
        .collect();
    assert!(losses(&rows, "").unwrap().len() < 100_000);
}

#[test]
fn extreme_values_give_a_valid_plot() {
    let odd = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        f64::MIN_POSITIVE,
        f64::from(f32::MAX),
        f64::from(f32::MIN),
        -0.0,
        1e-300,
    ];
    let mut sets = vec![Vec::new()];
    sets.extend(odd.map(|value| vec![row(0, value, value)]));
    sets.extend(odd.map(|value| vec![row(1, 0.5, 0.5), row(u64::MAX, value, value)]));
    sets.push(odd.into_iter().map(|value| row(7, value, value)).collect());
    for rows in sets {
        let svg = losses(&rows, "").unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{rows:?}");
        assert!(texts(&svg).iter().any(|t| t == "step"));
    }
}

#[test]
fn infinite_and_nan_losses_are_omitted_and_the_rest_is_drawn() {
    let rows: Vec<MetricsRow> =
        (0..50).map(|i| row(i, if i % 5 == 0 { f64::NAN } else { 0.5 }, 0.5)).collect();
    let lines = lines(&losses(&rows, "").unwrap());
    let points = |color: &str| {
        let of_color = lines.iter().filter(|(c, _, _)| c == color);
        of_color.map(|(_, _, points)| points.len()).max()
    };
    assert_eq!(COLORS.map(points), [40, 40, 50, 50].map(Some));
}
