//! The report of a run: when it is written, and what the classifier reads in drawn digits.

use std::fs;
use std::path::Path;
use std::process::Command;

use gan_models::{
    Calibration, Classifier, DIGITS, Mode, Networks, PixelRange, by_name, network_names,
};
use gan_viz::report::{Network, Storage};
use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};

#[cfg(unix)]
use crate::command;
use crate::{data, forger, succeeds};

/// The variable with the path of the digits that `cargo xtask test` draws in a browser: an object
/// with 784 pixels for each digit.
const DRAWN: &str = "DRAWN";

#[test]
#[ignore = "needs digits drawn in a browser; `cargo xtask test` runs it"]
fn drawn_digits_in_the_page_are_read_as_those_digits() {
    let path = std::env::var(DRAWN).unwrap();
    let drawn: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let mut pixels: Vec<u8> = Vec::new();
    for digit in 0..10 {
        let image = drawn[digit.to_string()].as_array().unwrap();
        pixels.extend(image.iter().map(|value| value.as_u64().unwrap() as u8));
    }
    let images = Tensor::from_slice(&pixels).view([10, 28, 28]);
    let (_, logits) = Classifier::trained().unwrap().features_and_logits(&images).unwrap();
    let read = Vec::<i64>::try_from(logits.argmax(1, false)).unwrap();
    let right = read.iter().zip(0..).filter(|(read, digit)| **read == *digit).count();
    assert!(right >= 8, "the classifier reads 0 to 9 as {read:?}");
}

/// The outputs of `networks.js` in Node for samples, each with values of the inputs by name.
fn run_in_node(dir: &Path, network: &Network, samples: &[Value]) -> Vec<Vec<f64>> {
    let path = dir.join("network.json");
    let file = fs::File::create(&path).unwrap();
    serde_json::to_writer(file, &json!({ "network": network, "samples": samples })).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../viz/browser/run-network.cjs");
    let output = Command::new("node").arg(script).arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.to_kind(Kind::Double).reshape([-1])).unwrap()
}

/// Images to 2 of 255 gray levels and logits to a hundredth, with weights in f16.
#[test]
#[ignore = "needs Node; `cargo xtask test` runs it"]
fn networks_in_the_page_compute_what_libtorch_computes() {
    let dir = tempfile::tempdir().unwrap();
    tch::manual_seed(5);
    for name in network_names() {
        let Networks { generator: g, discriminator: d } = by_name(name, DIGITS, None).unwrap();
        let parameters = |initial: Tensor| &initial + initial.randn_like() * 0.01;
        let g_flat = parameters(g.layout().init(Device::Cpu));
        let d_flat = parameters(d.layout().init(Device::Cpu));
        let (g_weights, d_weights) = (g.layout().weights(&g_flat), d.layout().weights(&d_flat));
        let latents = g.latent().sample(4, Device::Cpu);
        let digits = [3i64, 0, 9, 7];
        let labels = Tensor::from_slice(&digits);
        let images = g.forward(&g_weights, &latents, Some(&labels), Mode::Eval);
        let logits = d.forward(&d_weights, &images, Some(&labels), Mode::Eval);
        let batch = |input| Some(Calibration { input, labels: Some(&labels) });
        let g_graph = g.to_graph(&g_weights, batch(&latents)).unwrap();
        let d_graph = d.to_graph(g.image_side(), &d_weights, batch(&images)).unwrap();
        let samples = |input: &str, tensor: &Tensor| -> Vec<Value> {
            let sample =
                |i| json!({ input: numbers(&tensor.get(i)), "label": [digits[i as usize]] });
            (0..4).map(sample).collect()
        };
        let gray = match g.pixel_range() {
            PixelRange::Unit => 1.0 / 255.0,
            PixelRange::Symmetric => 2.0 / 255.0,
        };
        let largest = logits.abs().max().double_value(&[]);
        for (graph, inputs, expected, tolerance) in [
            (&g_graph, samples("latent", &latents), &images, 2.0 * gray),
            (&d_graph, samples("image", &images), &logits, 0.01 * largest),
        ] {
            let found = run_in_node(dir.path(), &Network::new(graph, Storage::F16), &inputs);
            let found: Vec<f64> = found.into_iter().flatten().collect();
            let expected = numbers(expected);
            assert_eq!(found.len(), expected.len(), "{} of {name}", graph.name);
            let pairs = found.iter().zip(&expected);
            let error = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(error <= tolerance, "{} of {name}: {error} exceeds {tolerance}", graph.name);
        }
    }
}

#[test]
fn training_ends_with_the_report_as_the_first_thing_to_open() {
    let dir = tempfile::tempdir().unwrap();
    data(&dir.path().join("data"));
    let told = succeeds(&forger(dir.path(), "train --data data --steps 3 --batch 8 --threads 1"));
    let mut lines = told.lines();
    assert!(lines.next().unwrap().starts_with("trained 3 steps"), "{told}");
    let open = lines.next().unwrap();
    assert!(open.starts_with("open ") && open.ends_with("/report.html"), "{told}");
    let run = dir.path().join("runs/0001-modern");
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(page.contains("\"training\":false") && page.contains("Real or fake?"));
    for file in ["game.idx4", "real_nearest.idx4", "report.json"] {
        assert!(run.join(file).is_file(), "no {file}");
    }
    let numbers = fs::read_to_string(run.join("report.json")).unwrap();
    assert!(numbers.contains("\"duplicates\""), "no evaluation in {numbers}");
    let again = succeeds(&forger(dir.path(), "train --resume"));
    assert!(again.lines().nth(1).unwrap().starts_with("open "), "{again}");
}

/// A killed run keeps a valid page, which says that the run is in training.
#[cfg(unix)]
#[test]
fn a_killed_run_has_a_valid_page() {
    let dir = tempfile::tempdir().unwrap();
    data(&dir.path().join("data"));
    let mut child = command(dir.path(), "train --data data --seconds 600 --batch 8 --threads 1")
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let page = dir.path().join("runs/0001-modern/report.html");
    crate::appears(&page);
    child.kill().unwrap();
    child.wait().unwrap();
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.trim_end().ends_with("</html>") && html.contains("id=\"live-note\""));
}
