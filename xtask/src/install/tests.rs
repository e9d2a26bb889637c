//! Installs two small wheels: completely, incompletely, when killed, and on a full disk.

use std::cell::RefCell;
use std::env;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::unpack::tests::{wheel_of, zip};

/// A build of two wheels, in a temporary directory.
struct Scene {
    dir: tempfile::TempDir,
    build: Build,
    /// The contents of the wheels.
    contents: [Vec<u8>; 2],
    /// The wheels that were downloaded.
    downloaded: RefCell<Vec<String>>,
}

impl Scene {
    fn new(name: &'static str) -> Scene {
        Scene::with_entry(name, "nvidia/lib/b.so")
    }

    /// The second wheel needs `nvidia/lib/b.so`, but holds `entry`.
    fn with_entry(name: &'static str, entry: &str) -> Scene {
        let contents = [
            zip(&[("torch/lib/a.so", name), ("torch/include/x.h", "header")]),
            zip(&[(entry, "other code")]),
        ];
        let [torch, nvidia] = &contents;
        let headers = Some("torch/include/");
        let wheels = vec![
            wheel_of("torch-1-any.whl", torch, "torch/lib/", "a.so", headers),
            wheel_of("nvidia-1-any.whl", nvidia, "nvidia/lib/", "b.so", None),
        ];
        Scene {
            dir: tempfile::tempdir().unwrap(),
            build: Build {
                name,
                wheels,
                links: [("link.so".to_owned(), "a.so".to_owned())].into(),
            },
            contents,
            downloaded: RefCell::default(),
        }
    }

    fn place(&self) -> PathBuf {
        self.dir.path().join("libtorch")
    }

    fn wheel(&self, index: usize) -> PathBuf {
        let wheels = self.dir.path().join("partial/wheels");
        wheels.join(&self.build.wheels[index].file)
    }

    fn index(&self, wheel: &Wheel) -> usize {
        let mut wheels = self.build.wheels.iter();
        wheels.position(|w| w.file == wheel.file).unwrap()
    }

    fn install(&self) -> Result<()> {
        install_into(&self.place(), &self.build, |wheel, dir| {
            self.downloaded.borrow_mut().push(wheel.file.clone());
            self.download(wheel, dir)
        })
    }

    fn download(&self, wheel: &Wheel, dir: &Path) -> Result<()> {
        Ok(fs::write(dir.join(&wheel.file), &self.contents[self.index(wheel)])?)
    }
}

fn install_into(
    place: &Path,
    build: &Build,
    download: impl Fn(&Wheel, &Path) -> Result<()>,
) -> Result<()> {
    install(place, &place.with_file_name("partial"), build, download)
}

fn text(path: PathBuf) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn an_installation_holds_libraries_headers_links_version_and_manifest() {
    let scene = Scene::new("cpu");
    scene.install().unwrap();
    let place = scene.place();
    assert_eq!(text(place.join("lib/a.so")), "cpu");
    assert_eq!(text(place.join("lib/b.so")), "other code");
    assert_eq!(text(place.join("lib/link.so")), "cpu");
    assert_eq!(text(place.join("include/x.h")), "header");
    assert_eq!(text(place.join("build-version")), "2.13.0\n");
    let mut manifest = Manifest::read(&place).unwrap().unwrap();
    assert_eq!(manifest.identity, scene.build.identity());
    assert_eq!(manifest.difference(&place, true), None);
    assert_eq!(fs::read_dir(scene.dir.path()).unwrap().count(), 1);
}

#[test]
fn complete_wheels_are_not_downloaded_again() {
    let scene = Scene::new("cpu");
    let stopped = install_into(&scene.place(), &scene.build, |wheel, dir| {
        anyhow::ensure!(scene.index(wheel) == 0, "no network");
        Ok(fs::write(dir.join(&wheel.file), &scene.contents[0])?)
    });
    assert!(stopped.is_err());
    assert!(!scene.place().exists());
    scene.install().unwrap();
    assert_eq!(*scene.downloaded.borrow(), ["nvidia-1-any.whl"]);
}

/// Early versions of pip leave an incomplete wheel under its name when the connection breaks.
#[test]
fn an_incomplete_wheel_is_refused_and_the_next_call_installs() {
    let scene = Scene::new("cpu");
    let cut = install_into(&scene.place(), &scene.build, |wheel, dir| {
        Ok(fs::write(dir.join(&wheel.file), &scene.contents[0][..20])?)
    });
    assert!(cut.unwrap_err().to_string().contains("has the wrong content and is removed"));
    assert!(!scene.place().exists() && !scene.wheel(0).exists());
    scene.install().unwrap();
    assert_eq!(fs::read_dir(scene.dir.path()).unwrap().count(), 1);
}

#[test]
fn a_damaged_wheel_is_downloaded_again() {
    let scene = Scene::new("cpu");
    fs::create_dir_all(scene.wheel(0).parent().unwrap()).unwrap();
    fs::write(scene.wheel(0), &scene.contents[0][..20]).unwrap();
    scene.install().unwrap();
    assert_eq!(scene.downloaded.borrow().len(), 2);
}

#[test]
fn a_wheel_with_the_wrong_hash_is_removed_and_not_installed() {
    let mut scene = Scene::new("cpu");
    let right = mnist_io::sha256_hex(&scene.contents[1]);
    scene.contents[1].push(0);
    let wrong = mnist_io::sha256_hex(&scene.contents[1]);
    let error = scene.install().unwrap_err().to_string();
    assert!(error.contains(&right) && error.contains(&wrong), "{error}");
    assert!(scene.wheel(0).exists() && !scene.wheel(1).exists());
    assert!(!scene.place().exists());
}

#[test]
fn the_old_installation_stays_if_a_wheel_cannot_be_unpacked() {
    let scene = Scene::new("cpu");
    scene.install().unwrap();
    let mut other = Scene::with_entry("cuda", "nvidia/lib/c.so");
    other.dir = scene.dir;
    let error = format!("{:#}", other.install().unwrap_err());
    assert!(error.contains("nvidia/lib/b.so is missing"), "{error}");
    assert_eq!(text(other.place().join("lib/a.so")), "cpu");
    assert_only_wheels_are_staged(other.dir.path());
}

#[test]
fn another_build_replaces_the_old_installation() {
    let scene = Scene::new("cpu");
    scene.install().unwrap();
    let mut other = Scene::new("cuda");
    other.dir = scene.dir;
    other.install().unwrap();
    assert_eq!(text(other.place().join("lib/a.so")), "cuda");
    assert_eq!(fs::read_dir(other.dir.path()).unwrap().count(), 1);
}

/// The variable that names the folder into which a child process installs.
const INTO: &str = "XTASK_TEST_INSTALL_INTO";

/// A child process that runs only the test `test` of this program.
fn child(test: &str, dir: &Path) -> Command {
    let test = format!("install::tests::{test}");
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([&test, "--exact", "--include-ignored"]);
    command.env(INTO, dir).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Asserts that `place` holds one complete build.
fn assert_complete(place: &Path) {
    let mut manifest = Manifest::read(place).unwrap().unwrap();
    assert_eq!(manifest.difference(place, true), None);
    let name = text(place.join("lib/a.so"));
    assert_eq!(manifest.identity, Scene::new(name.leak()).build.identity());
}

/// Asserts that a failed installation left nothing but its complete wheels.
fn assert_only_wheels_are_staged(dir: &Path) {
    let staged = fs::read_dir(dir.join("partial")).unwrap();
    let names: Vec<_> = staged.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["wheels"]);
}

#[test]
fn a_call_completes_an_installation_that_was_killed_at_any_moment() {
    if let Some(dir) = env::var_os(INTO) {
        // The parent kills this process. The time limit holds if the parent is gone.
        let place = Path::new(&dir).join("libtorch");
        let start = Instant::now();
        for name in ["cpu", "cuda"].iter().cycle() {
            let scene = Scene::new(name);
            let slow_download = |wheel: &Wheel, dir: &Path| {
                let bytes = &scene.contents[scene.index(wheel)];
                let mut file = fs::File::create(dir.join(&wheel.file))?;
                let (first, second) = bytes.split_at(bytes.len() / 2);
                file.write_all(first)?;
                thread::sleep(Duration::from_micros(200));
                Ok(file.write_all(second)?)
            };
            install_into(&place, &scene.build, slow_download).unwrap();
            if start.elapsed() > Duration::from_secs(20) {
                return;
            }
        }
    }
    let scene = Scene::new("cpu");
    let mut interrupted = 0;
    for round in 0..20 {
        let test = "a_call_completes_an_installation_that_was_killed_at_any_moment";
        let mut killed = child(test, scene.dir.path()).spawn().unwrap();
        // The installation of the last round is removed, so this waits for the child.
        while !scene.place().exists() {
            thread::sleep(Duration::from_millis(1));
            assert_eq!(killed.try_wait().unwrap(), None);
        }
        thread::sleep(Duration::from_micros(30_000 + 1_370 * round));
        killed.kill().unwrap();
        killed.wait().unwrap();

        if scene.place().exists() {
            assert_complete(&scene.place());
        }
        interrupted += usize::from(fs::read_dir(scene.dir.path()).unwrap().count() > 1);
        scene.install().unwrap();
        assert_complete(&scene.place());
        assert_eq!(fs::read_dir(scene.dir.path()).unwrap().count(), 1);
        fs::remove_dir_all(scene.place()).unwrap();
    }
    assert!(interrupted >= 5, "only {interrupted} were interrupted");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "mounts a disk of 2 MiB, so it needs root or user namespaces; run `cargo test -p xtask \
            full_disk -- --ignored`"]
fn a_full_disk_leaves_the_old_installation() {
    if let Some(dir) = env::var_os(INTO) {
        on_a_full_disk(Path::new(&dir));
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let test = child("a_full_disk_leaves_the_old_installation", dir.path());
    // The disk disappears with the last process in its namespace.
    let result = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c"])
        .arg(r#"mount -t tmpfs -o size=2m tmpfs "$0" && exec "$@" --nocapture"#)
        .arg(dir.path())
        .arg(test.get_program())
        .args(test.get_args())
        .env(INTO, dir.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&result.stderr);
    assert!(result.status.success(), "{text}");
    // This shows that the child ran the test.
    assert!(text.contains("the disk was full"), "{text}");
}

#[cfg(target_os = "linux")]
fn on_a_full_disk(dir: &Path) {
    use std::io::ErrorKind::StorageFull;
    let mut scene = Scene::new("cpu");
    scene.dir = tempfile::tempdir_in(dir).unwrap();
    scene.install().unwrap();

    let filler = dir.join("filler");
    let fill = || {
        let mut file = fs::File::create(&filler).unwrap();
        while file.write_all(&[1; 4096]).is_ok() {}
    };
    let refused = |result: Result<()>| {
        let error = result.unwrap_err();
        let mut causes = error.chain();
        let cause = causes.find_map(|e| e.downcast_ref::<std::io::Error>());
        assert_eq!(cause.unwrap().kind(), StorageFull, "{error:?}");
        eprintln!("the disk was full: {error:#}");
        assert_eq!(text(scene.place().join("lib/a.so")), "cpu");
        assert_complete(&scene.place());
    };

    // During the download.
    let mut other = Scene::new("cuda");
    other.dir = tempfile::tempdir().unwrap();
    let download = |wheel: &Wheel, dir: &Path| other.download(wheel, dir);
    let install = || install_into(&scene.place(), &other.build, download);
    fill();
    refused(install());
    // After the download, while the wheels are unpacked.
    fs::remove_file(&filler).unwrap();
    let stopped = install_into(&scene.place(), &other.build, |wheel, dir| {
        download(wheel, dir)?;
        if other.index(wheel) == 1 {
            fill();
        }
        Ok(())
    });
    refused(stopped);
    assert_only_wheels_are_staged(scene.dir.path());
    // While a file of the data set is written.
    let path = dir.join("images");
    let written = run_dir::write_atomic(&path, |w| w.write_all(&[2; 100_000]));
    assert_eq!(written.unwrap_err().io_kind(), Some(StorageFull));
    assert!(!path.exists());

    fs::remove_file(&filler).unwrap();
    install().unwrap();
    assert_eq!(text(scene.place().join("lib/a.so")), "cuda");
    assert_eq!(fs::read_dir(dir).unwrap().count(), 1);
}
