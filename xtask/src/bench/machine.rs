//! What is measured on: the machine and the versions of what runs.

use std::fs;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result};
use time::OffsetDateTime;

use crate::wheels::VERSION;
use crate::workspace::Workspace;

/// The machine, as far as it tells, and the software.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    processor: String,
    cores: usize,
    /// In gibibytes.
    memory: Option<u64>,
    /// Whether products of bf16 numbers are an instruction here.
    pub bf16: bool,
    rustc: String,
    tch: String,
    commit: String,
    date: String,
}

impl Machine {
    /// Looks at this machine, and at `workspace` for versions.
    pub fn look(workspace: &Workspace) -> Result<Machine> {
        let root = workspace.root();
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let lock = fs::read_to_string(root.join("Cargo.lock")).context("cannot read Cargo.lock")?;
        let git = |args: &[&str]| says(Command::new("git").current_dir(root).args(args));
        let commit = git(&["rev-parse", "--short", "HEAD"]);
        let changed = git(&["status", "--porcelain", "--untracked-files=no"]);
        let processor = read("/proc/cpuinfo");
        Ok(Machine {
            processor: model(&processor).unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: thread::available_parallelism().map_or(1, usize::from),
            memory: memory(&read("/proc/meminfo")),
            bf16: has_bf16(&processor),
            rustc: says(Command::new("rustc").arg("--version")).unwrap_or_else(unknown),
            tch: version_of("tch", &lock).unwrap_or_else(unknown),
            commit: match (commit, changed) {
                (Some(commit), Some(changed)) if !changed.is_empty() => {
                    format!("{commit} with changes")
                }
                (commit, _) => commit.unwrap_or_else(unknown),
            },
            date: OffsetDateTime::now_utc().date().to_string(),
        })
    }

    /// All of it in one sentence.
    pub fn sentence(&self) -> String {
        let bf16 = match self.bf16 {
            true => "with bf16 products",
            false => "without bf16 products",
        };
        let memory = self
            .memory
            .map_or("unknown".to_owned(), |m| format!("{m} GiB"));
        format!(
            "{}, cores: {}, {bf16}, memory: {memory}; {}, libtorch {VERSION}, tch {}; commit {}; {}",
            self.processor, self.cores, self.rustc, self.tch, self.commit, self.date
        )
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

/// What a program prints, if it succeeds.
fn says(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|o| o.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The processor's name in `/proc/cpuinfo`.
fn model(cpuinfo: &str) -> Option<String> {
    field(cpuinfo, "model name").map(str::to_owned)
}

fn has_bf16(cpuinfo: &str) -> bool {
    let flags = field(cpuinfo, "flags").or_else(|| field(cpuinfo, "Features"));
    flags.is_some_and(|flags| flags.split(' ').any(|f| f == "avx512_bf16" || f == "bf16"))
}

/// Gibibytes of memory in `/proc/meminfo`, rounded.
fn memory(meminfo: &str) -> Option<u64> {
    let kibibytes: u64 = field(meminfo, "MemTotal")?
        .split(' ')
        .next()?
        .parse()
        .ok()?;
    Some((kibibytes + (1 << 19)) >> 20)
}

/// The value of the first line `NAME : value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

/// The version of a package in a lock file.
fn version_of(package: &str, lock: &str) -> Option<String> {
    let (_, entry) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    let (version, _) = entry.split_once('"')?;
    Some(version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_the_processor_its_arithmetic_and_the_memory() {
        let cpuinfo = "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu avx512_bf16 sse\n\n\
                       processor\t: 1\n";
        assert_eq!(model(cpuinfo).unwrap(), "AMD EPYC");
        assert!(has_bf16(cpuinfo));
        assert!(!has_bf16("flags : avx512f avx512_bf16x\n") && !has_bf16(""));
        assert_eq!(memory("MemTotal:       24612345 kB\n"), Some(23));
        assert_eq!(memory("MemTotal: much\n"), None);
    }

    #[test]
    fn the_lock_file_tells_a_version() {
        let lock = "[[package]]\nname = \"tch-x\"\nversion = \"9\"\n\n[[package]]\nname = \"tch\"\n\
                    version = \"0.26.0\"\nsource = \"x\"\n";
        assert_eq!(version_of("tch", lock).unwrap(), "0.26.0");
        assert_eq!(version_of("tc", lock), None);
    }

    #[test]
    fn this_machine_can_be_told() {
        let sentence = Machine::look(&Workspace::find().unwrap())
            .unwrap()
            .sentence();
        assert!(
            sentence.contains(&format!("libtorch {VERSION}")),
            "{sentence}"
        );
    }
}
