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
        return of_pytorch(cuda);
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

    let wanted = Build::for_this_machine(cuda)?;
    if let Fetched::Complete(there) = fetched(&place, wanted)? {
        return Ok(describe(there, &place));
    }
    let _turn = workspace.turn()?;
    let build = match fetched(&place, wanted)? {
        Fetched::Complete(there) => return Ok(describe(there, &place)),
        Fetched::Damaged(there, how) => {
            say(format_args!(
                "{} is not as it was fetched ({how}): fetching it again",
                place.display()
            ));
            there
        }
        Fetched::No => wanted,
    };
    say(format_args!(
        "fetching libtorch {VERSION} ({}, {})",
        build.name,
        progress::size(build.bytes())
    ));
    if build.name == "cpu" && Path::new("/proc/driver/nvidia/version").exists() {
        say("this machine has an NVIDIA GPU; `cargo xtask fetch --cuda` gets the libtorch for it");
    }
    install(&place, &workspace.staging(), build, pip_download)?;
    Ok(describe(build, &place))
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

/// The folder with the libraries of the libtorch that the workspace builds with,
/// be it there or not.
pub fn lib_in_use(workspace: &Workspace) -> Result<PathBuf> {
    if env::var_os("LIBTORCH_USE_PYTORCH").is_some() {
        return Ok(pytorch()?.lib);
    }
    let libtorch = chosen_by_user(workspace).unwrap_or_else(|| workspace.libtorch());
    Ok(libtorch.join("lib"))
}

/// Whether the libtorch with its libraries in `lib` computes on NVIDIA GPUs.
pub fn has_cuda(lib: &Path) -> bool {
    let names = ["libtorch_cuda.so", "torch_cuda.dll"];
    names.iter().any(|name| lib.join(name).exists())
}

fn describe(build: &Build, place: &Path) -> String {
    format!("{VERSION} ({}) in {}", build.name, place.display())
}

enum Fetched {
    /// Nothing, or another build than the one that is wanted.
    No,
    /// Something of this build is missing or changed, in words.
    Damaged(&'static Build, String),
    /// All there.
    Complete(&'static Build),
}

/// What of `build` stands at `place`. One with CUDA serves those too who want
/// none.
fn fetched(place: &Path, build: &'static Build) -> Result<Fetched> {
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
        Some(how) => Fetched::Damaged(there, how),
        None => Fetched::Complete(there),
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
    if cuda && !has_cuda(&dir.join("lib")) {
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

/// The PyTorch that torch-sys asks.
struct PyTorch {
    /// The interpreter that it is installed for.
    python: &'static str,
    version: String,
    /// The folder with its libraries.
    lib: PathBuf,
}

const WITHOUT_PYTORCH: &str = "unset LIBTORCH_USE_PYTORCH to have libtorch fetched";

/// Checks the PyTorch whose libtorch is to be used.
fn of_pytorch(cuda: bool) -> Result<String> {
    let PyTorch {
        python,
        version,
        lib,
    } = pytorch()?;
    if !is_right(&version) {
        let what = format!("{python} has PyTorch {version}, not {VERSION}");
        return Err(fault(what, install_pytorch(python)));
    }
    if cuda && !has_cuda(&lib) {
        return Err(fault(
            format!("{python}'s PyTorch {version} is one without CUDA"),
            format!("install one with CUDA in its place, or {WITHOUT_PYTORCH}"),
        ));
    }
    Ok(format!(
        "of {python}'s PyTorch {version}, because LIBTORCH_USE_PYTORCH is set"
    ))
}

fn pytorch() -> Result<PyTorch> {
    // The interpreter that torch-sys will ask, for the same reason.
    let python = match env::var_os("VIRTUAL_ENV") {
        Some(_) if !cfg!(windows) => "python",
        _ => PYTHON,
    };
    // Found, not imported, which takes seconds.
    let ask = "import importlib.metadata as m, importlib.util as u; print(m.version('torch')); \
               print(u.find_spec('torch').submodule_search_locations[0])";
    let output = Command::new(python)
        .args(["-c", ask])
        .output()
        .map_err(|e| fault(format!("cannot run {python}: {e}"), install_pytorch(python)))?;
    let answer = String::from_utf8_lossy(&output.stdout);
    let mut lines = answer.lines().map(str::trim);
    match (output.status.success(), lines.next(), lines.next()) {
        (true, Some(version), Some(folder)) => Ok(PyTorch {
            python,
            version: version.to_owned(),
            lib: Path::new(folder).join("lib"),
        }),
        _ => Err(fault(
            format!("LIBTORCH_USE_PYTORCH is set, but {python} has no package torch"),
            install_pytorch(python),
        )),
    }
}

fn install_pytorch(python: &str) -> String {
    format!("install it with `{python} -m pip install torch=={VERSION}`, or {WITHOUT_PYTORCH}")
}

/// Whether torch-sys will build with that version, which may end in `+cpu`.
fn is_right(version: &str) -> bool {
    let (number, _) = version.split_once('+').unwrap_or((version, ""));
    number == VERSION || env::var_os("LIBTORCH_BYPASS_VERSION_CHECK").is_some()
}
