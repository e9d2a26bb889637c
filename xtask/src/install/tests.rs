//! Installations of two small wheels: whole, cut off, killed, without space.

use std::cell::RefCell;
use std::env;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::unpack::tests::zip;

/// A build of two wheels, what the index serves for each, and what was
/// asked of it.
struct Scene {
    dir: tempfile::TempDir,
    build: Build,
    served: [Vec<u8>; 2],
    asked: RefCell<Vec<&'static str>>,
}

impl Scene {
    fn new(name: &'static str) -> Scene {
        Scene::serving(name, "nvidia/lib/b.so")
    }

    /// The second wheel should hold `nvidia/lib/b.so`, and holds `entry`.
    fn serving(name: &'static str, entry: &str) -> Scene {
        let served = [
            zip(&[("torch/lib/a.so", name), ("torch/include/x.h", "header")]),
            zip(&[(entry, "other code")]),
        ];
        let wheel = |file, served: &[u8], lib_dir, libs, include_dir| Wheel {
            file,
            bytes: served.len() as u64,
            sha256: mnist_io::sha256_hex(served).leak(),
            lib_dir,
            libs,
            include_dir,
            otherwise: "",
        };
        let [torch, nvidia] = &served;
        let wheels = vec![
            wheel(
                "torch-1-any.whl",
                torch,
                "torch/lib/",
                &["a.so"],
                Some("torch/include/"),
            ),
            wheel("nvidia-1-any.whl", nvidia, "nvidia/lib/", &["b.so"], None),
        ];
        Scene {
            dir: tempfile::tempdir().unwrap(),
            build: Build {
                name,
                wheels: wheels.leak(),
                links: &[("link.so", "a.so")],
            },
            served,
            asked: RefCell::default(),
        }
    }

    fn place(&self) -> PathBuf {
        self.dir.path().join("libtorch")
    }

    fn wheel(&self, index: usize) -> PathBuf {
        let wheels = self.dir.path().join("partial/wheels");
        wheels.join(self.build.wheels[index].file)
    }

    fn install(&self) -> Result<()> {
        install_into(&self.place(), &self.build, |wheel, dir| {
            let index = self.build.wheels.iter().position(|w| w.file == wheel.file);
            self.asked.borrow_mut().push(wheel.file);
            fs::write(dir.join(wheel.file), &self.served[index.unwrap()])?;
            Ok(())
        })
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
    let manifest = Manifest::read(&place).unwrap().unwrap();
    assert_eq!(manifest.identity, scene.build.identity());
    assert_eq!(manifest.difference(&place), None);
    assert_eq!(fs::read_dir(scene.dir.path()).unwrap().count(), 1);
}

#[test]
fn wheels_that_are_complete_are_not_downloaded_again() {
    let scene = Scene::new("cpu");
    let stopped = install_into(&scene.place(), &scene.build, |wheel, dir| {
        anyhow::ensure!(wheel.file == scene.build.wheels[0].file, "the net is down");
        Ok(fs::write(dir.join(wheel.file), &scene.served[0])?)
    });
    assert!(stopped.is_err());
    assert!(!scene.place().exists());
    scene.install().unwrap();
    assert_eq!(*scene.asked.borrow(), ["nvidia-1-any.whl"]);
}

/// An older pip leaves half a wheel under its name when the connection breaks.
#[test]
fn half_a_wheel_is_refused_and_the_next_call_installs() {
    let scene = Scene::new("cpu");
    let cut = install_into(&scene.place(), &scene.build, |wheel, dir| {
        Ok(fs::write(dir.join(wheel.file), &scene.served[0][..20])?)
    });
    assert!(cut.unwrap_err().to_string().contains("not the file"));
    assert!(!scene.place().exists() && !scene.wheel(0).exists());
    scene.install().unwrap();
    assert_eq!(fs::read_dir(scene.dir.path()).unwrap().count(), 1);
}

#[test]
fn a_wheel_that_was_damaged_since_is_downloaded_again() {
    let scene = Scene::new("cpu");
    fs::create_dir_all(scene.wheel(0).parent().unwrap()).unwrap();
    fs::write(scene.wheel(0), &scene.served[0][..20]).unwrap();
    scene.install().unwrap();
    assert_eq!(scene.asked.borrow().len(), 2);
}

#[test]
fn a_wheel_with_another_hash_is_removed_and_nothing_installed() {
    let mut scene = Scene::new("cpu");
    let right = mnist_io::sha256_hex(&scene.served[1]);
    scene.served[1].push(0);
    let wrong = mnist_io::sha256_hex(&scene.served[1]);
    let error = scene.install().unwrap_err().to_string();
    assert!(error.contains(&right) && error.contains(&wrong), "{error}");
    assert!(scene.wheel(0).exists() && !scene.wheel(1).exists());
    assert!(!scene.place().exists());
}

#[test]
fn a_wheel_that_cannot_be_unpacked_leaves_the_old_installation() {
    let scene = Scene::new("cpu");
    scene.install().unwrap();
    let mut other = Scene::serving("cuda", "nvidia/lib/c.so");
    other.dir = scene.dir;
    let error = format!("{:#}", other.install().unwrap_err());
    assert!(error.contains("nvidia/lib/b.so is missing"), "{error}");
    assert_eq!(text(other.place().join("lib/a.so")), "cpu");
    assert!(!other.dir.path().join("partial/unpacked").exists());
}

#[test]
fn another_build_takes_the_old_ones_place() {
    let scene = Scene::new("cpu");
    scene.install().unwrap();
    let mut other = Scene::new("cuda");
    other.dir = scene.dir;
    other.install().unwrap();
    assert_eq!(text(other.place().join("lib/a.so")), "cuda");
    assert_eq!(fs::read_dir(other.dir.path()).unwrap().count(), 1);
}

/// Names the folder into which a test that runs as a child installs.
const INTO: &str = "XTASK_TEST_INSTALL_INTO";

/// This test program once more, to run only the test of that name.
fn child(test: &str, dir: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args([
            &format!("install::tests::{test}"),
            "--exact",
            "--include-ignored",
        ])
        .env(INTO, dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// What stands at `place` is one build or the other, down to the last byte.
fn assert_whole(place: &Path) {
    let manifest = Manifest::read(place).unwrap().unwrap();
    assert_eq!(manifest.difference(place), None);
    let name = text(place.join("lib/a.so"));
    assert_eq!(manifest.identity, Scene::new(name.leak()).build.identity());
}

#[test]
fn an_installation_killed_at_any_moment_is_completed_by_the_next() {
    if let Some(dir) = env::var_os(INTO) {
        // Until it is killed, or whoever should do that is gone.
        let place = Path::new(&dir).join("libtorch");
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) {
            for scene in [Scene::new("cpu"), Scene::new("cuda")] {
                let wheel_of = |w: &Wheel| scene.build.wheels.iter().position(|b| b.file == w.file);
                install_into(&place, &scene.build, |wheel, dir| {
                    let bytes = &scene.served[wheel_of(wheel).unwrap()];
                    let mut file = fs::File::create(dir.join(wheel.file))?;
                    let (first, second) = bytes.split_at(bytes.len() / 2);
                    file.write_all(first)?;
                    thread::sleep(Duration::from_micros(200));
                    Ok(file.write_all(second)?)
                })
                .unwrap();
            }
        }
        return;
    }
    let scene = Scene::new("cpu");
    let mut interrupted = 0;
    for round in 0..20 {
        let mut killed = child(
            "an_installation_killed_at_any_moment_is_completed_by_the_next",
            scene.dir.path(),
        )
        .spawn()
        .unwrap();
        // Whatever the last round left is gone once the child is at work.
        while !scene.place().exists() {
            thread::sleep(Duration::from_millis(1));
            assert_eq!(killed.try_wait().unwrap(), None);
        }
        thread::sleep(Duration::from_micros(30_000 + 1_370 * round));
        killed.kill().unwrap();
        killed.wait().unwrap();

        if scene.place().exists() {
            assert_whole(&scene.place());
        }
        interrupted += usize::from(fs::read_dir(scene.dir.path()).unwrap().count() > 1);
        scene.install().unwrap();
        assert_whole(&scene.place());
        assert_eq!(fs::read_dir(scene.dir.path()).unwrap().count(), 1);
        fs::remove_dir_all(scene.place()).unwrap();
    }
    assert!(
        interrupted >= 5,
        "only {interrupted} were interrupted midway"
    );
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "mounts a disk of 2 MiB, for which it must be root or have user namespaces; run \
            `cargo test -p xtask full_disk -- --ignored`"]
fn a_full_disk_is_told_and_leaves_the_old_installation() {
    if let Some(dir) = env::var_os(INTO) {
        on_a_full_disk(Path::new(&dir));
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let test = child(
        "a_full_disk_is_told_and_leaves_the_old_installation",
        dir.path(),
    );
    // The disk goes with the last process that sees it.
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
    // Otherwise the child has done nothing.
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
        let kind = error
            .chain()
            .find_map(|e| e.downcast_ref::<std::io::Error>());
        assert_eq!(kind.unwrap().kind(), StorageFull, "{error:?}");
        eprintln!("the disk was full: {error:#}");
        assert_eq!(text(scene.place().join("lib/a.so")), "cpu");
        assert_whole(&scene.place());
    };

    // While a wheel arrives.
    let mut other = Scene::new("cuda");
    other.dir = tempfile::tempdir().unwrap();
    let install = || {
        install_into(&scene.place(), &other.build, |wheel, dir| {
            let index = other.build.wheels.iter().position(|w| w.file == wheel.file);
            Ok(fs::write(
                dir.join(wheel.file),
                &other.served[index.unwrap()],
            )?)
        })
    };
    fill();
    refused(install());
    // While the wheels, which did arrive, are unpacked.
    fs::remove_file(&filler).unwrap();
    let stopped = install_into(&scene.place(), &other.build, |wheel, dir| {
        let index = other.build.wheels.iter().position(|w| w.file == wheel.file);
        fs::write(dir.join(wheel.file), &other.served[index.unwrap()])?;
        if index == Some(1) {
            fill();
        }
        Ok(())
    });
    refused(stopped);
    assert!(!scene.dir.path().join("partial/unpacked").exists());
    // A file of the data set.
    let path = dir.join("images");
    let written = run_dir::write_atomic(&path, |w| w.write_all(&[2; 100_000]));
    assert_eq!(written.unwrap_err().io_kind(), Some(StorageFull));
    assert!(!path.exists());

    fs::remove_file(&filler).unwrap();
    install().unwrap();
    assert_eq!(text(scene.place().join("lib/a.so")), "cuda");
    assert_eq!(fs::read_dir(dir).unwrap().count(), 1);
}
