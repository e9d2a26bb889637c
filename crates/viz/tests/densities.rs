//! The plot of densities: SVG read as XML, frames pixel by pixel.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use std::fs;

use common::read_gif;
use common::runs::{files, paths, row, run_with};
use common::svg::{BLUE, GREEN, ORANGE, PURPLE, Points, lines, texts};
use gan_config::FigureLayout;
use gan_viz::figures::{draw_all, draw_progress};
use gan_viz::{ColorCanvas, Error, densities, density_frames};
use run_dir::{DensityRow, RunDir};
use tempfile::TempDir;

/// Eleven points from -1 to 4, densities up to 1, a value that falls.
fn density(step: u64) -> DensityRow {
    let triangle =
        |top: f64| (0..11).map(move |i| (1.0 - (f64::from(i) - top).abs() / 3.0).max(0.0));
    let shift = step as f64 / 1000.0;
    DensityRow {
        step,
        low: -1.0,
        high: 4.0,
        real: triangle(7.0).collect(),
        fake: triangle(2.0 + 5.0 * shift).map(|p| 0.8 * p).collect(),
        discriminator: (0..11).map(|i| f64::from(i) / 10.0).collect(),
        value: -1.386 - (1.0 - shift),
    }
}

fn rows(count: u64) -> Vec<DensityRow> {
    (0..count).map(|i| density(1000 * i / (count - 1).max(1))).collect()
}

/// `at` between `from` and `to`, as a share.
fn share(at: f64, from: f64, to: f64) -> f64 {
    (at - from) / (to - from)
}

#[test]
fn plot_labels_curves_and_axes() {
    let svg = densities(&rows(2), "0001-gaussian<&").unwrap();
    let texts = texts(&svg);
    for expected in [
        "0001-gaussian<&",
        "step 1,000",
        "Density",
        "real, p_data",
        "fake, p_g",
        "Discriminator output",
        "D(x)",
        "D* = p_data / (p_data + p_g)",
        "x",
        "Value function",
        "V(D, G)",
        "-log 4, where p_g = p_data",
        "step",
    ] {
        assert!(texts.iter().any(|t| t == expected), "{expected}: {texts:?}");
    }
}

#[test]
fn last_row_is_drawn_at_the_right_coordinates() {
    let rows = rows(5);
    let svg = densities(&rows, "").unwrap();
    let last = density(1000);

    // D is 0 at the left end and 1 at the right end. The other coordinates of
    // the panel follow from these two points.
    let output = &lines(&svg, BLUE)[0];
    let ((left, bottom), (right, top)) = (output[0], output[10]);
    assert!(left < right && top < bottom);
    for (i, (x, y)) in output.iter().enumerate() {
        assert!((share(*x, left, right) - i as f64 / 10.0).abs() < 0.01);
        assert!((share(*y, bottom, top) - last.discriminator[i]).abs() < 0.01);
    }

    // At the last step p_g = 0.8 p_data, so D* = 1 / 1.8 at the points 5 to 9,
    // where the densities are positive. There is a gap at both sides.
    let orange = lines(&svg, ORANGE);
    let (optimal, equilibrium) = (&orange[0], &orange[1]);
    assert_eq!(orange.len(), 2);
    assert_eq!(optimal.len(), 5);
    for (i, (x, y)) in optimal.iter().enumerate() {
        assert!((share(*x, left, right) - (i + 5) as f64 / 10.0).abs() < 0.01);
        assert!((share(*y, bottom, top) - 1.0 / 1.8).abs() < 0.01);
    }

    // The densities have peaks of 1 and 0.8.
    let (real, fake) = (&lines(&svg, GREEN)[0], &lines(&svg, PURPLE)[0]);
    assert_eq!((real.len(), fake.len()), (11, 11));
    let (foot, peak) = (real[0].1, real[7].1);
    for (i, p) in last.real.iter().enumerate() {
        assert!((share(real[i].1, foot, peak) - p).abs() < 0.01);
        assert!((share(fake[i].1, foot, peak) - 0.8 * p).abs() < 0.01);
    }

    // The value decreases linearly to -log 4.
    let value = &lines(&svg, BLUE)[1];
    assert_eq!(value.len(), 5);
    assert_eq!((equilibrium[0].0, equilibrium[1].0), (value[0].0, value[4].0));
    assert_eq!(equilibrium[0].1, equilibrium[1].1);
    assert!((value[4].1 - equilibrium[0].1).abs() <= 1.0);
    assert!(value[0].1 > value[4].1 + 50.0, "lower values are lower in the plot");
}

#[test]
fn fake_data_in_one_point_does_not_flatten_the_real_density() {
    let mut row = density(1000);
    row.fake = vec![0.0; 11];
    row.fake[3] = 500.0;
    let svg = densities(&[row], "").unwrap();
    let (real, fake) = (&lines(&svg, GREEN)[0], &lines(&svg, PURPLE)[0]);
    let height = |points: &Points, i: usize| points[0].1 - points[i].1;
    assert!(height(real, 7) > 40.0);
    // The axis ends at 3.15 times the peak of the real density.
    let cut = height(fake, 3) / height(real, 7);
    assert!((cut - 3.15).abs() < 0.1, "{cut}");
}

#[test]
fn infinite_and_nan_values_are_omitted() {
    let mut row = density(500);
    row.discriminator[4] = f64::NAN;
    row.real[0] = f64::INFINITY;
    row.fake[10] = f64::NAN;
    row.value = f64::NEG_INFINITY;
    let svg = densities(&[density(0), row], "").unwrap();
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
    let counts = |color| lines(&svg, color).iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(counts(BLUE)[..2], [4, 6]);
    assert_eq!((counts(GREEN), counts(PURPLE)), (vec![10], vec![10]));

    let nothing = DensityRow {
        real: vec![f64::NAN; 2],
        fake: vec![0.0; 2],
        discriminator: vec![f64::NAN; 2],
        low: -1e300,
        high: 1e300,
        value: f64::NAN,
        step: u64::MAX,
    };
    let svg = densities(std::slice::from_ref(&nothing), "").unwrap();
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
    assert_eq!(density_frames(&[nothing], "", 2).unwrap().len(), 1);
}

/// No run writes such rows, but other programs may.
#[test]
fn unusable_axis_ranges_are_replaced() {
    let row = |low, high, density: f64| DensityRow {
        real: vec![density; 2],
        fake: vec![0.0; 2],
        discriminator: vec![0.5; 2],
        low,
        high,
        value: -1.0,
        step: 1,
    };
    for row in [
        row(-1e308, 1e308, 1.0),
        row(f64::NEG_INFINITY, 1.0, 1.0),
        row(f64::NAN, f64::NAN, 1.0),
        row(1.0, 1.0, 1.0),
        row(2.0, 1.0, 1.0),
        row(1.0, 1.0 + 1e-15, 1.0),
        row(0.0, f64::from_bits(1), 1.0),
        row(0.0, 1.0, f64::MAX),
        row(0.0, 1.0, f64::from_bits(1)),
    ] {
        let svg = densities(std::slice::from_ref(&row), "").unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{row:?}");
        assert_eq!(density_frames(&[row], "", 2).unwrap().len(), 1);
    }
}

#[test]
fn no_rows_are_an_error() {
    assert!(matches!(densities(&[], ""), Err(Error::Empty)));
    assert!(matches!(density_frames(&[], "", 9), Err(Error::Empty)));
}

fn pixel(canvas: &ColorCanvas, (x, y): (f64, f64)) -> [u8; 3] {
    let start = (y as usize * canvas.width() + x as usize) * 3;
    canvas.pixels()[start..start + 3].try_into().unwrap()
}

#[test]
fn frame_has_the_lines_of_the_svg_at_the_same_coordinates() {
    let rows = rows(5);
    let frames = density_frames(&rows, "name", 64).unwrap();
    let last = &frames[4];
    let svg = densities(&rows, "name").unwrap();
    // No line covers D and the value, so their points have their color.
    for (x, y) in lines(&svg, BLUE).concat() {
        assert_eq!(pixel(last, (x, y)), [0, 114, 178], "at {x}, {y}");
    }
    for point in lines(&svg, PURPLE).concat() {
        assert_eq!(pixel(last, point), [204, 121, 167]);
    }
    // A band is 7 pixels wide and half transparent.
    let equilibrium = &lines(&svg, ORANGE)[1];
    let blended = [243, 207, 128];
    let x = equilibrium[0].0 + 50.0;
    for dy in [-3.0, 3.0] {
        assert_eq!(pixel(last, (x, equilibrium[0].1 + dy)), blended);
    }
    for dy in [-5.0, 5.0] {
        assert_eq!(pixel(last, (x, equilibrium[0].1 + dy)), [255; 3]);
    }
}

#[test]
fn frames_have_one_size_and_the_value_curve_grows() {
    let rows = rows(150);
    let frames = density_frames(&rows, "", 64).unwrap();
    assert_eq!(frames.len(), 64);
    let size = |frame: &ColorCanvas| (frame.width(), frame.height());
    assert!(frames.iter().all(|frame| size(frame) == size(&frames[0])));
    assert_eq!(density_frames(&rows[..1], "", 64).unwrap().len(), 1);
    assert_eq!(frames[63], density_frames(&rows, "", 2).unwrap()[1]);
    let blue = |frame: &ColorCanvas| {
        let (_, lower) = frame.pixels().split_at(frame.width() * 3 * 560);
        lower.chunks(3).filter(|p| *p == [0, 114, 178]).count()
    };
    let drawn: Vec<usize> = frames.iter().map(blue).collect();
    assert!(drawn.is_sorted() && drawn[63] > drawn[0] + 500, "{drawn:?}");
}

fn gaussian(steps: u64) -> (TempDir, RunDir) {
    let (dir, run) = run_with(FigureLayout::default(), None);
    for density in rows(steps) {
        run.append_metrics(&row(density.step)).unwrap();
        run.append_density(&density).unwrap();
    }
    (dir, run)
}

#[test]
fn run_without_images_gets_densities_and_losses() {
    let (_dir, run) = gaussian(4);
    let folder = run.figures_dir();
    let progress = ["densities.svg", "losses.svg"];
    let drawn = paths(&draw_progress(&run).unwrap());
    assert_eq!(drawn, progress.map(|name| folder.join(name)));

    let names = ["densities.svg", "densities.gif", "losses.svg"];
    let drawn = paths(&draw_all(&run).unwrap());
    assert_eq!(drawn, names.map(|name| folder.join(name)));
    let mut sorted = names.map(str::to_owned);
    sorted.sort();
    assert_eq!(files(&folder), sorted);

    let svg = fs::read_to_string(folder.join("densities.svg")).unwrap();
    assert_eq!(svg, densities(&rows(4), "0001-modern").unwrap());
    let frames = density_frames(&rows(4), "0001-modern", 64).unwrap();
    let read = read_gif(&folder.join("densities.gif"));
    assert_eq!(read.len(), 4);
    for (frame, canvas) in read.iter().zip(&frames) {
        let size = (canvas.width(), canvas.height());
        assert_eq!((frame.width, frame.height), size);
        // The canvas has more than the 256 colors of a GIF.
        let pairs = frame.pixels.chunks(3).zip(canvas.pixels().chunks(3));
        let differences = pairs.map(|(a, b)| (0..3).map(|i| a[i].abs_diff(b[i])).max());
        let changed: Vec<_> = differences.flatten().filter(|d| *d > 0).collect();
        assert!(changed.len() < 5000, "{} of 638,400 pixels", changed.len());
        assert!(changed.iter().all(|d| *d < 48), "{changed:?}");
    }
}

#[test]
fn invalid_density_row_is_an_error_with_file_and_line() {
    let (_dir, run) = gaussian(2);
    let valid = fs::read_to_string(run.densities_path()).unwrap();
    let first = valid.lines().next().unwrap();
    let reversed = first.replace("\"low\":-1.0", "\"low\":9.0");
    assert_ne!(first, reversed);
    for broken in ["{}", &reversed] {
        fs::write(run.densities_path(), format!("{valid}{broken}\n")).unwrap();
        for drawn in [draw_all(&run), draw_progress(&run)] {
            let error = drawn.unwrap_err().to_string();
            assert!(error.contains("densities.jsonl line 3"), "{error}");
        }
    }
}
