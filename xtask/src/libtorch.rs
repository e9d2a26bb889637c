//! The libtorch that the workspace builds with: the user's own, or the one that is fetched.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::Result;
use indicatif::DecimalBytes;

use crate::error::user_error;
use crate::install::install;
use crate::manifest::Manifest;
use crate::packages::{PYTHON, pip_download};
use crate::programs;
use crate::progress::eprint_line;
use crate::wheels::{Build, VERSION};
use crate::workspace::Workspace;

/// Makes sure that there is a libtorch to build with, one with CUDA if `cuda`, and describes it.
/// With `verify`, every file of a fetched libtorch is hashed.
pub fn ensure(workspace: &Workspace, cuda: bool, verify: bool) -> Result<String> {
    if env::var_os("LIBTORCH_USE_PYTORCH").is_some() {
        return check_pytorch(workspace, cuda);
    }
    if let Some(dir) = chosen_by_user(workspace) {
        let found = check_folder(&dir, cuda, "unset LIBTORCH")?;
        return Ok(format!("{found}, because LIBTORCH names it"));
    }
    let place = workspace.libtorch();
    if place.exists() && Manifest::read(&place)?.is_none() {
        let found = check_folder(&place, cuda, &format!("move {} away", place.display()))?;
        return Ok(format!("{found}, which fetch did not install"));
    }

    let describe = |build: &Build| format!("{VERSION} ({}) in {}", build.name, place.display());
    let wanted = Build::for_this_machine(cuda)?;
    if let Some((build, None)) = installed(&place, cuda, verify)? {
        return Ok(describe(&build));
    }
    let _lock = workspace.lock()?;
    let build = match installed(&place, cuda, verify)? {
        Some((build, None)) => return Ok(describe(&build)),
        Some((build, Some(damage))) => {
            let place = place.display();
            eprint_line(format_args!("{place} is damaged ({damage}): fetching it again"));
            build
        }
        None => wanted,
    };
    let (name, size) = (build.name, DecimalBytes(build.bytes()));
    eprint_line(format_args!("fetching libtorch {VERSION} ({name}, {size})"));
    if name == "cpu" && Path::new("/proc/driver/nvidia/version").exists() {
        eprint_line(
            "this machine has an NVIDIA GPU; `cargo xtask fetch --cuda` fetches libtorch with CUDA",
        );
    }
    install(&place, &workspace.staging(), &build, |wheel, dir| {
        pip_download(wheel, dir, "set LIBTORCH to a libtorch that you have")
    })?;
    Ok(describe(&build))
}

/// The folder that the user names with `LIBTORCH`. Cargo sets the variable too, from
/// `.cargo/config.toml`, to the folder of the fetched libtorch.
pub fn chosen_by_user(workspace: &Workspace) -> Option<PathBuf> {
    let named = PathBuf::from(env::var_os("LIBTORCH")?);
    let fetched = workspace.libtorch();
    let parent = |path: &Path| path.parent().and_then(|p| p.canonicalize().ok());
    let same = named == fetched
        || (named.file_name() == fetched.file_name()
            && parent(&named).is_some_and(|p| parent(&fetched) == Some(p)));
    (!same).then_some(named)
}

/// The folder with the libraries of the libtorch that the workspace builds with. It may not exist.
pub fn lib_in_use(workspace: &Workspace) -> Result<PathBuf> {
    if env::var_os("LIBTORCH_USE_PYTORCH").is_some() {
        return Ok(find_pytorch(workspace)?.1);
    }
    let libtorch = chosen_by_user(workspace).unwrap_or_else(|| workspace.libtorch());
    Ok(libtorch.join("lib"))
}

/// Whether the libtorch with its libraries in `lib` computes on NVIDIA GPUs.
pub fn has_cuda(lib: &Path) -> bool {
    let names = ["libtorch_cuda.so", "torch_cuda.dll"];
    names.iter().any(|name| lib.join(name).exists())
}

/// The fetched build in `place` and its damage, if any; `None` if there is no such build. A CUDA
/// build also satisfies a request without CUDA.
fn installed(place: &Path, cuda: bool, verify: bool) -> Result<Option<(Build, Option<String>)>> {
    let Some(mut manifest) = Manifest::read(place)? else {
        return Ok(None);
    };
    let build = [cuda, true]
        .into_iter()
        .filter_map(|cuda| Build::for_this_machine(cuda).ok())
        .find(|build| build.identity() == manifest.identity);
    Ok(build.map(|build| (build, manifest.difference(place, verify))))
}

/// Checks a libtorch that the user provides. `otherwise` completes the remedy: how to have one
/// fetched instead.
fn check_folder(dir: &Path, cuda: bool, otherwise: &str) -> Result<String> {
    let refuse = |what: String| {
        Err(user_error(
            format!("{} {what}", dir.display()),
            format!("name a folder with libtorch {VERSION}, or {otherwise} to have one fetched"),
        ))
    };
    if !dir.is_absolute() {
        return refuse("is the value of LIBTORCH, but not an absolute path".to_owned());
    }
    for folder in ["lib", "include"] {
        if !dir.join(folder).is_dir() {
            return refuse(format!("is not a libtorch: it has no folder {folder}"));
        }
    }
    if cuda && !has_cuda(&dir.join("lib")) {
        return refuse("is a libtorch without CUDA".to_owned());
    }
    let path = dir.join("build-version");
    if !path.exists() {
        return Ok(format!("of unknown version in {}", dir.display()));
    }
    let version = String::from_utf8_lossy(&mnist_io::read_regular(&path, 1 << 10)?).into_owned();
    let version = version.trim();
    if !is_accepted(version) {
        return refuse(format!("is libtorch {version}, not {VERSION}"));
    }
    Ok(format!("{version} in {}", dir.display()))
}

/// Checks the PyTorch that torch-sys takes its libtorch from.
fn check_pytorch(workspace: &Workspace, cuda: bool) -> Result<String> {
    let python = python();
    let (version, lib) = find_pytorch(workspace)?;
    if !is_accepted(&version) {
        let what = format!("{python} has PyTorch {version}, not {VERSION}");
        return Err(user_error(what, install_pytorch(python)));
    }
    if cuda && !has_cuda(&lib) {
        return Err(user_error(
            format!("{python} has PyTorch {version} without CUDA"),
            "install PyTorch with CUDA instead, or unset LIBTORCH_USE_PYTORCH to have libtorch \
             fetched",
        ));
    }
    Ok(format!("of PyTorch {version} for {python}, because LIBTORCH_USE_PYTORCH is set"))
}

/// The interpreter whose PyTorch torch-sys takes.
fn python() -> &'static str {
    match env::var_os("VIRTUAL_ENV") {
        Some(_) if !cfg!(windows) => "python",
        _ => PYTHON,
    }
}

/// The version of the installed PyTorch, and the folder with its libraries.
fn find_pytorch(workspace: &Workspace) -> Result<(String, PathBuf)> {
    let python = python();
    // This does not import torch, which would take seconds.
    let script = "import importlib.metadata as m, importlib.util as u; print(m.version('torch')); \
                  print(u.find_spec('torch').submodule_search_locations[0])";
    let output = programs::python(python, &workspace.root)
        .args(["-c", script])
        .output()
        .map_err(|e| user_error(format!("cannot run {python}: {e}"), install_pytorch(python)))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines().map(|line| line.trim().to_owned());
    match (output.status.success(), lines.next(), lines.next()) {
        (true, Some(version), Some(folder)) => Ok((version, Path::new(&folder).join("lib"))),
        _ => Err(user_error(
            format!("LIBTORCH_USE_PYTORCH is set, but {python} has no package torch"),
            install_pytorch(python),
        )),
    }
}

fn install_pytorch(python: &str) -> String {
    format!(
        "install it with `{python} -m pip install torch=={VERSION}`, or unset LIBTORCH_USE_PYTORCH \
         to have libtorch fetched"
    )
}

/// Whether torch-sys accepts this version, which can end with `+cpu`.
fn is_accepted(version: &str) -> bool {
    let (number, _) = version.split_once('+').unwrap_or((version, ""));
    number == VERSION || env::var_os("LIBTORCH_BYPASS_VERSION_CHECK").is_some()
}
