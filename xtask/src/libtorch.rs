//! Which libtorch the workspace builds with: the user's own where one is
//! named, otherwise the one that is fetched.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::fault::fault;
use crate::install::install;
use crate::manifest::Manifest;
use crate::progress::{self, say};
use crate::registries::{PYTHON, pip_download};
use crate::wheels::{Build, VERSION};
use crate::workspace::Workspace;

/// Makes sure that there is a libtorch to build with, one with CUDA if `cuda`,
/// and returns which it is, in words.
pub fn ensure(workspace: &Workspace, cuda: bool) -> Result<String> {
    if env::var_os("LIBTORCH_USE_PYTORCH").is_some() {
        return of_pytorch();
    }
    if let Some(dir) = chosen_by_user(workspace) {
        let what = check_own(&dir, cuda, "unset LIBTORCH")?;
        return Ok(format!("{what}, because LIBTORCH names it"));
    }
    let place = workspace.libtorch();
    if place.exists() && Manifest::read(&place)?.is_none() {
        let what = check_own(&place, cuda, &format!("move {} away", place.display()))?;
        return Ok(format!("{what}, which was not fetched but put there"));
    }

    let build = Build::for_this_machine(cuda)?;
    if let Fetched::Complete(name) = fetched(&place, build)? {
        return Ok(describe(&name, &place));
    }
    let _turn = workspace.turn()?;
    match fetched(&place, build)? {
        Fetched::Complete(name) => return Ok(describe(&name, &place)),
        Fetched::Damaged(how) => say(format_args!(
            "{} is not as it was fetched ({how}): fetching it again",
            place.display()
        )),
        Fetched::No => {}
    }
    say(format_args!(
        "fetching libtorch {VERSION} ({}, {})",
        build.name,
        progress::size(build.bytes())
    ));
    if !cuda && Path::new("/proc/driver/nvidia/version").exists() {
        say("this machine has an NVIDIA GPU; `cargo xtask fetch --cuda` gets the libtorch for it");
    }
    install(&place, &workspace.staging(), build, pip_download)?;
    Ok(describe(build.name, &place))
}

/// The folder that the user's `LIBTORCH` names. Cargo sets the variable too,
/// from `.cargo/config.toml`, to the folder that is fetched.
pub fn chosen_by_user(workspace: &Workspace) -> Option<PathBuf> {
    let named = PathBuf::from(env::var_os("LIBTORCH")?);
    let ours = workspace.libtorch();
    let parent = |path: &Path| path.parent().and_then(|p| p.canonicalize().ok());
    let same = named == ours
        || (named.file_name() == ours.file_name()
            && parent(&named).is_some_and(|p| parent(&ours) == Some(p)));
    (!same).then_some(named)
}

fn describe(name: &str, place: &Path) -> String {
    format!("{VERSION} ({name}) in {}", place.display())
}

enum Fetched {
    /// Nothing, or another build than the one that is wanted.
    No,
    /// Something is missing or changed, in words.
    Damaged(String),
    /// All there; the build's name.
    Complete(String),
}

/// What of `build` stands at `place`. One with CUDA serves those too who want
/// none.
fn fetched(place: &Path, build: &Build) -> Result<Fetched> {
    let Some(manifest) = Manifest::read(place)? else {
        return Ok(Fetched::No);
    };
    let with_cuda = Build::for_this_machine(true).ok();
    let Some(there) = [Some(build), with_cuda]
        .into_iter()
        .flatten()
        .find(|b| b.identity() == manifest.identity)
    else {
        return Ok(Fetched::No);
    };
    Ok(match manifest.difference(place) {
        Some(how) => Fetched::Damaged(how),
        None => Fetched::Complete(there.name.to_owned()),
    })
}

/// Checks a libtorch that the user has put there; `otherwise` is how to do
/// without it.
fn check_own(dir: &Path, cuda: bool, otherwise: &str) -> Result<String> {
    let remedy =
        format!("name a folder with libtorch {VERSION}, or {otherwise} to have one fetched");
    let complain = |what: String| Err(fault(format!("{} {what}", dir.display()), &remedy));
    if !dir.is_absolute() {
        return complain("is where LIBTORCH points to, but not an absolute path".to_owned());
    }
    for folder in ["lib", "include"] {
        if !dir.join(folder).is_dir() {
            return complain(format!("is no libtorch: it has no folder {folder}"));
        }
    }
    let cuda_libs = ["libtorch_cuda.so", "torch_cuda.dll"];
    if cuda && !cuda_libs.iter().any(|l| dir.join("lib").join(l).exists()) {
        return complain("is a libtorch without CUDA".to_owned());
    }
    let path = dir.join("build-version");
    if !path.exists() {
        return Ok(format!("of unknown version in {}", dir.display()));
    }
    let version =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let version = version.trim();
    if !is_right(version) {
        return complain(format!("is libtorch {version}, not {VERSION}"));
    }
    Ok(format!("{version} in {}", dir.display()))
}

/// Checks the PyTorch whose libtorch is to be used.
fn of_pytorch() -> Result<String> {
    // The interpreter that torch-sys will ask, for the same reason.
    let python = match env::var_os("VIRTUAL_ENV") {
        Some(_) if !cfg!(windows) => "python",
        _ => PYTHON,
    };
    let remedy = format!(
        "install it with `{python} -m pip install torch=={VERSION}`, or unset \
         LIBTORCH_USE_PYTORCH to have libtorch fetched"
    );
    // The package's own version, without the seconds that importing it takes.
    let output = Command::new(python)
        .args([
            "-c",
            "import importlib.metadata as m; print(m.version('torch'))",
        ])
        .output()
        .map_err(|e| fault(format!("cannot run {python}: {e}"), &remedy))?;
    let version = String::from_utf8_lossy(&output.stdout);
    let version = version.trim();
    if !output.status.success() {
        let what = format!("LIBTORCH_USE_PYTORCH is set, but {python} has no package torch");
        return Err(fault(what, remedy));
    }
    if !is_right(version) {
        let what = format!("{python} has PyTorch {version}, not {VERSION}");
        return Err(fault(what, remedy));
    }
    Ok(format!(
        "of {python}'s PyTorch {version}, because LIBTORCH_USE_PYTORCH is set"
    ))
}

/// Whether torch-sys will build with that version, which may end in `+cpu`.
fn is_right(version: &str) -> bool {
    let (number, _) = version.split_once('+').unwrap_or((version, ""));
    number == VERSION || env::var_os("LIBTORCH_BYPASS_VERSION_CHECK").is_some()
}
