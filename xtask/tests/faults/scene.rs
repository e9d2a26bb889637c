//! A workspace without network, with scripts as programs, and checks of a command's output.

use std::env::consts::{ARCH, OS};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use mnist_io::{Idx, IdxData, Images};

/// A workspace without network, in a temporary directory. Its PATH holds only the scripts of a test.
pub struct Scene {
    root: tempfile::TempDir,
}

impl Scene {
    pub fn new() -> Scene {
        let root = tempfile::tempdir().unwrap();
        for folder in ["bin", "workspace", "digits"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        Scene { root }
    }

    /// A workspace with a data set, where only libtorch is missing.
    pub fn with_data() -> Scene {
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

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Puts a script on the PATH.
    pub fn program(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        // A shell may still read the old script.
        let _ = fs::remove_file(&path);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Puts a script on the PATH that prints `text` on standard error and fails.
    pub fn failing_program(&self, name: &str, text: &str) {
        let script = format!(
            "while IFS= read -r line; do echo \"$line\" >&2; done <<'END'\n{text}\nEND\nexit 1"
        );
        self.program(name, &script);
    }

    pub fn xtask(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .args(args)
            .env_clear()
            .env("PATH", self.path("bin"))
            .env("CARGO_MANIFEST_DIR", self.path("workspace/xtask"))
            // Nothing listens on this port.
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
            .current_dir(self.root.path());
        command
    }

    pub fn fetch(&self, args: &[&str]) -> Command {
        let mut command = self.xtask(&["fetch", "--data", "digits"]);
        command.args(args);
        command
    }

    pub fn libtorch(&self) -> PathBuf {
        self.path("workspace/libtorch")
    }

    /// Makes a small folder that looks like a fetched libtorch.
    pub fn put_libtorch(&self) {
        self.put_build("cpu");
    }

    /// The same for the build `name`: `cpu` or `cuda`.
    pub fn put_build(&self, name: &str) {
        let file = self.libtorch().join("lib/libc10.so");
        fs::create_dir_all(self.libtorch().join("lib")).unwrap();
        fs::write(file, b"code").unwrap();
        let sha256 = mnist_io::sha256_hex(b"code");
        let manifest =
            format!("libtorch 2.13.0 {name} {OS}-{ARCH}\n4\t0\t0\t{sha256}\tlib/libc10.so\n");
        fs::write(self.libtorch().join("fetched.tsv"), manifest).unwrap();
    }
}

/// Runs the command, which must fail within seconds, and returns its standard error.
pub fn fails(command: &mut Command) -> String {
    let start = Instant::now();
    let Output { status, stderr, .. } = command.output().unwrap();
    let text = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{text}");
    assert!(start.elapsed() < Duration::from_secs(5), "{text}");
    assert_eq!(text.matches("error: ").count(), 1, "{text}");
    text
}

/// Runs the command, which must succeed, and returns its standard error.
pub fn succeeds(command: &mut Command) -> String {
    let Output { status, stderr, .. } = command.output().unwrap();
    let text = String::from_utf8(stderr).unwrap();
    assert!(status.success(), "{text}");
    text
}

pub fn assert_contains(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is not in:\n{text}");
    }
}
