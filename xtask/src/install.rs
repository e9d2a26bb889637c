//! Puts a libtorch together: wheels downloaded, checked, unpacked aside, and
//! moved to their place in one rename.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::fault::fault;
use crate::manifest::Manifest;
use crate::wheels::{Build, VERSION, Wheel};
use crate::{progress, unpack};

/// Installs `build` as the folder `place`, in the place of what `fetch` put
/// there before.
///
/// `download` puts one wheel into the folder it is given. Wheels that are
/// complete stay in `staging` until all is done, so that an interrupted
/// installation goes on where it stopped.
pub fn install(
    place: &Path,
    staging: &Path,
    build: &Build,
    download: impl Fn(&Wheel, &Path) -> Result<()>,
) -> Result<()> {
    let wheels = staging.join("wheels");
    let unpacked = staging.join("unpacked");
    fs::create_dir_all(&wheels).with_context(|| format!("cannot create {}", wheels.display()))?;
    remove(&unpacked)?;
    for wheel in build.wheels {
        obtain(wheel, &wheels, &download)?;
    }
    if let Err(error) = unpack_all(build, &wheels, &unpacked) {
        // What was unpacked may be what filled the disk.
        let _ = fs::remove_dir_all(&unpacked);
        return Err(error);
    }
    move_to(place, &unpacked, &staging.join("replaced"))?;
    remove(staging)
}

/// Makes sure that `dir` holds the wheel, byte for byte.
fn obtain(wheel: &Wheel, dir: &Path, download: impl Fn(&Wheel, &Path) -> Result<()>) -> Result<()> {
    let path = dir.join(wheel.file);
    if path.is_file() {
        if verify(wheel, &path).is_ok() {
            return Ok(());
        }
        remove_file(&path)?;
    }
    download(wheel, dir)?;
    if !path.is_file() {
        return Err(fault(
            format!(
                "pip ended well but left no {} in {}",
                wheel.file,
                dir.display()
            ),
            "look at pip's settings with `python3 -m pip config list`",
        ));
    }
    verify(wheel, &path).inspect_err(|_| {
        let _ = remove_file(&path);
    })
}

fn verify(wheel: &Wheel, path: &Path) -> Result<()> {
    let (package, version) = wheel.package();
    let (bytes, found) = sha256_of(path, format!("checking {package} {version}"))
        .with_context(|| format!("cannot read {}", path.display()))?;
    if found == wheel.sha256 {
        return Ok(());
    }
    Err(fault(
        format!(
            "{} is not the file that was asked for and is removed: its SHA-256 is {found} \
             ({bytes} bytes), pinned is {} ({} bytes)",
            wheel.file, wheel.sha256, wheel.bytes
        ),
        "run the same command again; if it repeats, empty pip's cache with \
         `python3 -m pip cache purge` and look at which index `python3 -m pip config list` names",
    ))
}

fn sha256_of(path: &Path, label: String) -> std::io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let bar = progress::bytes(label, file.metadata()?.len());
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        bytes += count as u64;
        bar.set_position(bytes);
    }
    bar.finish_and_clear();
    let digest = hasher.finalize();
    let hex = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((bytes, hex))
}

fn unpack_all(build: &Build, wheels: &Path, dest: &Path) -> Result<()> {
    for wheel in build.wheels {
        unpack::wheel(&wheels.join(wheel.file), wheel, dest)?;
    }
    let refused = || format!("cannot write into {}", dest.display());
    for (link, target) in build.links {
        symlink(target, &dest.join("lib").join(link)).with_context(refused)?;
    }
    // torch-sys refuses to build when this names another version.
    fs::write(dest.join("build-version"), format!("{VERSION}\n")).with_context(refused)?;
    Manifest::of(dest, build.identity())?.write(dest)
}

/// Moves `new` to `place`; what stands there goes by way of `aside`.
fn move_to(place: &Path, new: &Path, aside: &Path) -> Result<()> {
    let refused = || format!("cannot move {} to {}", new.display(), place.display());
    remove(aside)?;
    if place.exists() {
        fs::rename(place, aside).with_context(refused)?;
    }
    fs::rename(new, place).with_context(refused)
}

#[cfg(unix)]
fn symlink(target: &str, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

/// Only Unix has libraries that are links; elsewhere a build that asks for one
/// gets a copy.
#[cfg(not(unix))]
fn symlink(target: &str, link: &Path) -> std::io::Result<()> {
    fs::copy(link.with_file_name(target), link).map(|_| ())
}

fn remove(dir: &Path) -> Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    Ok(())
}

fn remove_file(path: &Path) -> Result<()> {
    fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::path::PathBuf;

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

    #[test]
    fn a_half_wheel_is_downloaded_again() {
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
}
