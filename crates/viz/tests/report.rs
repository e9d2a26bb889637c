//! The report: its data, its text, and what it says of unusual runs.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::images;
use common::runs::{empty_run, row, run, run_with};
use gan_config::FigureLayout;
use gan_graph::{Data, Dim, Graph, GraphBuilder, Kind, Op};
use gan_viz::report::{MAX_PAGE_BYTES, State, html as page, write, write_comparison};
use mnist_io::Images;
use run_dir::{DensityRow, Logits, Measurement, MetricsRow, QualityRow, ReportData, RunDir};
use serde_json::Value;

/// The page without the elements around each word of a command.
fn html(run: &RunDir, state: State) -> gan_viz::Result<String> {
    page(run, state).map(|html| without_words(&html))
}

fn without_words(html: &str) -> String {
    html.replace("<span>", "").replace("</span>", "")
}

/// The data of the page's script.
fn data(html: &str) -> Value {
    let (_, rest) = html.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    let (json, _) = rest.split_once("</script>").unwrap();
    assert!(!json.contains('<'), "the data could end the element");
    serde_json::from_str(json).unwrap()
}

fn evaluation(step: u64, fid: f64) -> QualityRow {
    let measured = |value, reference| Measurement {
        value,
        reference: Some(reference),
        ..Measurement::default()
    };
    QualityRow {
        step,
        samples: 2500,
        test_images: 10_000,
        metrics: [
            ("fid".to_owned(), measured(fid, 1.25)),
            ("precision".to_owned(), measured(0.91, 0.97)),
            ("recall".to_owned(), measured(0.62, 0.96)),
        ]
        .into(),
        ..QualityRow::default()
    }
}

/// A run with every file that the page reads, except networks.
fn full_run() -> (tempfile::TempDir, RunDir) {
    let (dir, run) = run(16, 28, 28, &[0, 100, 300]);
    run.append_quality(&evaluation(100, 30.0)).unwrap();
    run.append_quality(&evaluation(300, 4.5)).unwrap();
    run.write_images(&run.nearest_path(), &images(16, 28, 28, 5)).unwrap();
    run.write_image_rows(&run.game_path(), &[images(3, 28, 28, 7), images(3, 28, 28, 9)], None)
        .unwrap();
    run.write_image_rows(
        &run.real_nearest_path(),
        &[images(4, 28, 28, 11), images(4, 28, 28, 13)],
        None,
    )
    .unwrap();
    let mut shares = BTreeMap::new();
    shares.insert("shares".to_owned(), vec![0.1; 10]);
    let mut last = QualityRow { step: 300, samples: 10_000, ..QualityRow::default() };
    let digits = Measurement { value: 0.01, details: shares, ..Measurement::default() };
    let copies = Measurement { value: 12.0, reference: Some(10.0), ..Measurement::default() };
    last.metrics = [("digits_kl".to_owned(), digits), ("duplicates".to_owned(), copies)].into();
    let logits = Logits { real: vec![1.0, 2.0, 3.0], fake: vec![-1.0, 0.0, 0.5] };
    run.write_report_data(&ReportData {
        step: 300,
        machine: "a <fast> machine".to_owned(),
        logits: logits.clone(),
        game: logits,
        evaluation: Some(last),
    })
    .unwrap();
    (dir, run)
}

#[test]
fn the_page_holds_snapshots_numbers_and_the_game() {
    let (_dir, run) = full_run();
    let path = write(&run, State::Finished).unwrap();
    assert_eq!(path, run.root().join("report.html"));
    let html = without_words(&fs::read_to_string(path).unwrap());
    let data = data(&html);
    assert_eq!(data["frames"]["steps"], serde_json::json!([0, 100, 300]));
    assert_eq!(data["frames"]["count"], 16);
    assert_eq!(data["game"]["logits_real"], serde_json::json!([1.0, 2.0, 3.0]));
    assert_eq!(data["histogram"]["threshold"], 0.75);
    assert_eq!(data["training"], false);
    assert_eq!(data["written"], Value::Null);
    for text in [
        ">4.5<",
        "get 1.25.",
        "Of 100 generated digits, 91 look like real ones.",
        "Of 100 kinds of real digits, the generator can make 62.",
        "Of 10,000 generated images, 12 are unusually close to a training image. Of 10,000 new \
         real images, about 10 would be. The generator does not copy.",
        "a &#60;fast&#62; machine",
        "10.0%",
        "near-duplicates",
        "Each point was measured on 2,500 generated images.",
        "cargo xtask train --preset modern --dataset mnist --seed 1 --steps 6400 --precision f32 \
         --threads 1 --device cpu<",
    ] {
        assert!(html.contains(text), "no {text}");
    }
}

/// Noise can lie within the wide range of a few unusual real images.
#[test]
fn precision_says_little_while_fid_is_far_from_its_reference() {
    for (fid, little) in [(4.5, false), (300.0, true)] {
        let (_dir, run) = run(4, 28, 28, &[0, 100]);
        run.append_quality(&evaluation(100, fid)).unwrap();
        let html = html(&run, State::Finished).unwrap();
        assert_eq!(html.contains("Says little while FID is so high"), little, "{fid}");
        assert_eq!(html.contains("91 look like real ones"), !little, "{fid}");
    }
}

/// The curves and the numbers at the top can come from different numbers of images.
#[test]
fn the_page_says_how_many_images_were_measured() {
    let (_dir, run) = full_run();
    let more = QualityRow { samples: 10_000, ..evaluation(300, 3.5) };
    run.append_quality(&more).unwrap();
    let html = html(&run, State::Finished).unwrap();
    assert!(html.contains("Each point was measured on 2,500 generated images."));
    assert!(html.contains("at the top were measured on 10,000 images after step 300"));
    assert!(html.contains(">3.5<"), "the newest FID is not at the top");
}

#[test]
fn the_same_run_gives_the_same_page() {
    let (_dir, run) = full_run();
    assert_eq!(html(&run, State::Finished).unwrap(), html(&run, State::Finished).unwrap());
}

#[test]
fn names_and_paths_appear_as_text() {
    let evil = "x\"'><script>alert(1)</script>&amp;";
    let (dir, run) = run_with(FigureLayout::default(), Some(&images(1, 28, 28, 1)));
    // A slash cannot be part of a file name.
    let root = dir.path().join(evil.replace('/', "∕"));
    fs::rename(run.root(), &root).unwrap();
    let text = fs::read_to_string(root.join("config.toml")).unwrap();
    let path = toml_string(&format!("/data/{evil}"));
    let text = text.replace("path = \"data\"", &format!("path = {path}"));
    let text = text.replace("\"mnist\"", "\"custom\"");
    let run = RunDir::open(&root).unwrap();
    run.save(&run.config_path(), text.as_bytes()).unwrap();
    run.write_snapshot(0, &images(4, 28, 28, 3)).unwrap();
    let html = html(&run, State::Stopped).unwrap();
    assert!(!html.contains("<script>alert"), "the name became an element");
    assert!(html.contains("&#60;script&#62;alert(1)&#60;/script&#62;"), "no path");
    assert_eq!(data(&html)["name"], evil.replace('/', "∕"));
    write_comparison(&[run.clone(), run], &dir.path().join("compare.html")).unwrap();
    let page = fs::read_to_string(dir.path().join("compare.html")).unwrap();
    assert!(!page.contains("<script"), "the comparison has a script");
}

fn toml_string(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

#[test]
fn runs_without_evaluations_or_with_one_step_have_a_page() {
    let (_dir, run) = run(4, 28, 28, &[0]);
    let html_of_run = html(&run, State::Stopped).unwrap();
    assert!(html_of_run.contains("This run has no evaluation yet."));
    assert!(html_of_run.contains("cargo xtask train --resume"));
    assert!(!html_of_run.contains("id=\"quality\""));
    assert_eq!(data(&html_of_run)["game"], Value::Null);

    let (_dir, one) = empty_run();
    one.append_metrics(&row(1)).unwrap();
    one.write_snapshot(1, &images(1, 28, 28, 1)).unwrap();
    one.append_quality(&evaluation(1, 300.0)).unwrap();
    let page = html(&one, State::Finished).unwrap();
    assert_eq!(data(&page)["frames"]["steps"], serde_json::json!([1]));
    assert!(page.contains("for 1 step on"), "a plural");
    // A line of one point would be invisible.
    assert!(page.contains("class=\"line generator dots\""), "no dot");
    assert!(page.contains("id=\"quality\""));

    let (_dir, nothing) = empty_run();
    html(&nothing, State::Training).unwrap();
}

#[test]
fn losses_that_are_not_finite_leave_a_valid_page() {
    let (_dir, run) = run(4, 28, 28, &[0, 10]);
    let broken = MetricsRow { loss_d: f64::NAN, loss_g: f64::INFINITY, ..row(10) };
    run.append_metrics(&broken).unwrap();
    let html = html(&run, State::Stopped).unwrap();
    assert!(!html.contains("NaN") || !html.contains("d=\"MNaN"), "a path has a NaN");
}

#[test]
fn only_a_page_in_training_reloads() {
    let (_dir, run) = run(4, 28, 28, &[0, 10]);
    let page = html(&run, State::Training).unwrap();
    assert!(page.contains("http-equiv=\"refresh\"") && page.contains("id=\"live-note\""));
    assert_eq!(data(&page)["training"], true);
    assert!(data(&page)["written"].as_u64().unwrap() > 1_600_000_000_000);
    for state in [State::Finished, State::Stopped] {
        let page = html(&run, state).unwrap();
        assert!(!page.contains("http-equiv=\"refresh\""), "{state:?}");
        assert_eq!(data(&page)["training"], false);
    }
}

#[test]
fn the_policy_permits_exactly_the_inline_style_and_scripts() {
    use base64::Engine;
    use sha2::Digest;
    let (_dir, run) = full_run();
    let html = html(&run, State::Finished).unwrap();
    let (_, policy) = html.split_once("Content-Security-Policy\" content=\"").unwrap();
    let (policy, _) = policy.split_once('"').unwrap();
    let policy = policy.replace("&#39;", "'");
    assert!(policy.starts_with("default-src 'none'; img-src data: blob:;"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let mut inline = 0;
    for (open, close) in [("<style>", "</style>"), ("<script>", "</script>")] {
        for part in html.split(open).skip(1) {
            let (text, _) = part.split_once(close).unwrap();
            let hash = base64::prelude::BASE64_STANDARD.encode(sha2::Sha256::digest(text));
            assert!(policy.contains(&format!("'sha256-{hash}'")), "no hash of {text:.60}");
            inline += 1;
        }
    }
    assert_eq!(inline, 3);
    assert!(!html.contains(" style="), "the policy forbids style attributes");
    assert!(!html.contains("http://") && !html.contains("https://"), "an address");
}

#[test]
fn gaussian_has_densities_in_place_of_images() {
    let (_dir, run) = run_with(FigureLayout::default(), None);
    for step in [0, 100, 200] {
        let fake = (0..9).map(|i| f64::from(i) * step as f64 / 1000.0).collect();
        run.append_density(&DensityRow {
            step,
            low: -8.0,
            high: 8.0,
            real: vec![0.1; 9],
            fake,
            discriminator: vec![0.5; 9],
            value: -1.4,
        })
        .unwrap();
        run.append_metrics(&row(step + 1)).unwrap();
    }
    write_networks(&run, 784);
    let html = html(&run, State::Finished).unwrap();
    let data = data(&html);
    assert_eq!(data["networks"], Value::Null);
    assert_eq!(data["densities"]["steps"], serde_json::json!([0, 100, 200]));
    let paths = data["densities"]["paths"].as_array().unwrap();
    assert_eq!(paths.iter().map(|row| row.as_array().unwrap().len()).collect::<Vec<_>>(), [4; 3]);
    assert_eq!(data["frames"], Value::Null);
    assert!(html.contains("The game, step by step") && !html.contains("id=\"make\""));
}

/// A generator whose one layer has `values` weights, and a discriminator.
fn write_networks(run: &RunDir, values: usize) {
    let finish = |graph: GraphBuilder, x: &str, name| -> Graph { graph.finish(x, name).unwrap() };
    let mut g = GraphBuilder::new("generator");
    let latent = g.input("latent", Kind::F32, &[Dim::Batch, Dim::Size(values / 784)]).unwrap();
    let weights = (0..values / 784 * 784).map(|i| (i % 7) as f32 / 8.0).collect();
    let weight = g.tensor("w", &[784, values / 784], Data::F32(weights)).unwrap();
    let x = g.node(Op::Gemm, &[&latent, &weight]).unwrap();
    let x = g.reshape(&x, &[0, 1, 28, 28]).unwrap();
    let mut g = finish(g, &x, "image");
    let latent = format!(r#"{{"kind":"normal","size":{}}}"#, values / 784);
    g.metadata.push(("latent".to_owned(), latent));
    g.metadata.push(("pixel_range".to_owned(), "-1,1".to_owned()));
    fs::write(run.generator_graph_path(), g.to_onnx()).unwrap();
    let mut d = GraphBuilder::new("discriminator");
    let shape = [Dim::Batch, Dim::Size(1), Dim::Size(28), Dim::Size(28)];
    let image = d.input("image", Kind::F32, &shape).unwrap();
    let x = d.reshape(&image, &[0, 784]).unwrap();
    let weight = d.tensor("w", &[1, 784], Data::F32(vec![0.5; 784])).unwrap();
    let x = d.node(Op::Gemm, &[&x, &weight]).unwrap();
    let x = d.reshape(&x, &[0]).unwrap();
    fs::write(run.discriminator_graph_path(), finish(d, &x, "logit").to_onnx()).unwrap();
}

#[test]
fn networks_are_f16_or_int8_or_left_out_by_size() {
    let (_dir, run) = run(4, 28, 28, &[0, 10]);
    for (values, precision) in [(78_400, Some("f16")), (4_000_000, Some("int8")), (9_000_000, None)]
    {
        write_networks(&run, values);
        let html = html(&run, State::Finished).unwrap();
        assert!(html.len() <= MAX_PAGE_BYTES, "{values} weights: {} bytes", html.len());
        let networks = &data(&html)["networks"];
        assert_eq!(networks["precision"].as_str(), precision, "{values} weights");
        if precision.is_some() {
            assert_eq!(networks["side"], 28);
            assert_eq!(networks["range"], serde_json::json!([-1.0, 1.0]));
            assert_eq!(networks["generator"]["nodes"][0]["op"], "Gemm");
            assert!(html.contains("id=\"pad\""));
        } else {
            assert!(html.contains("too large for one page") && html.contains("cargo xtask export"));
        }
    }
}

#[test]
fn a_generator_without_its_latents_is_left_out_with_the_reason() {
    let (_dir, run) = run(4, 28, 28, &[0, 10]);
    write_networks(&run, 784);
    let mut generator = Graph::from_onnx(&fs::read(run.generator_graph_path()).unwrap()).unwrap();
    generator.metadata.clear();
    fs::write(run.generator_graph_path(), generator.to_onnx()).unwrap();
    let html = html(&run, State::Finished).unwrap();
    assert_eq!(data(&html)["networks"], Value::Null);
    assert!(html.contains("generator.onnx lacks the latents") && !html.contains("id=\"pad\""));
}

#[test]
fn an_invalid_network_or_report_file_is_named() {
    let (_dir, run) = run(4, 28, 28, &[0, 10]);
    write_networks(&run, 784);
    fs::write(run.generator_graph_path(), b"no network").unwrap();
    let error = html(&run, State::Finished).unwrap_err().to_string();
    assert!(error.contains("generator.onnx"), "{error}");
    // Sparse: it takes no space.
    run.save(&run.generator_graph_path(), b"a network").unwrap();
    let file = fs::File::options().write(true).open(run.generator_graph_path()).unwrap();
    file.set_len(100_000_000_000).unwrap();
    let error = html(&run, State::Finished).unwrap_err().to_string();
    assert!(error.contains("generator.onnx has 100000000000 bytes"), "{error}");
    fs::remove_file(run.generator_graph_path()).unwrap();
    run.save(&run.report_data_path(), b"{\"step\":1}").unwrap();
    let error = html(&run, State::Finished).unwrap_err().to_string();
    assert!(error.contains("report.json"), "{error}");
}

#[test]
fn comparison_shows_lines_numbers_and_differing_settings() {
    let (dir, first) = full_run();
    let (_other, second) = run(16, 28, 28, &[0, 100]);
    second.append_quality(&evaluation(100, 44.0)).unwrap();
    let text = fs::read_to_string(second.config_path()).unwrap();
    let text = text.replace("seed = 1", "seed = 7");
    second.save(&second.config_path(), text.as_bytes()).unwrap();
    let path = dir.path().join("compare.html");
    write_comparison(&[first, second], &path).unwrap();
    let html = fs::read_to_string(&path).unwrap();
    for text in ["2 runs side by side", "<code>seed</code>", "<code>7</code>", "44 (2,500 samples)"]
    {
        assert!(html.contains(text), "no {text}");
    }
    let lines = html.matches("class=\"line run").count();
    assert!(lines >= 8, "{lines} lines");
}

#[test]
fn states_are_read_from_the_rows_and_the_lock() {
    let (_dir, run) = empty_run();
    assert_eq!(State::read(&run).unwrap(), State::Stopped);
    let lock = run.lock().unwrap();
    assert_eq!(State::read(&run).unwrap(), State::Training);
    drop(lock);
    let images_seen = run.config().unwrap().settings.images;
    run.append_metrics(&MetricsRow { images_seen, ..row(10) }).unwrap();
    assert_eq!(State::read(&run).unwrap(), State::Finished);
    assert_eq!(State::ended(&run).unwrap(), State::Finished);
}

/// A killed writer leaves the old page.
#[test]
fn a_failed_write_keeps_the_old_page() {
    let (_dir, run) = run(4, 28, 28, &[0, 10]);
    let path = write(&run, State::Training).unwrap();
    let before = fs::read(&path).unwrap();
    fs::write(run.snapshot_path(10), b"damaged").unwrap();
    assert!(write(&run, State::Training).is_err());
    assert_eq!(fs::read(&path).unwrap(), before);
    assert!(Path::new(&path).is_file());
    let _: Images = Images::read_file(&run.snapshot_path(0)).unwrap();
}
