//! `cargo xtask bench`: measures how fast everything is and writes
//! `docs/benchmarks.md`.

mod child;
mod formats;
mod machine;
mod operators;
mod page;
mod peak;
mod peers;
mod sampling;
mod scaling;
mod spread;
mod steps;
mod table;

use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result};
use gan_cli::bench::{BenchArgs as Args, Part};

use crate::fault::fault;
use crate::progress::{say, show};
use crate::workspace::Workspace;
use crate::{data, forger, libtorch, runs};

use machine::Machine;
use page::Page;

/// The systems that are measured, by preset.
const SYSTEMS: [&str; 4] = ["modern", "dcgan", "oshea", "golbin"];

/// What all parts need.
struct Bench<'a> {
    workspace: &'a Workspace,
    /// The trainer's program.
    forger: PathBuf,
    /// Folder of the originals.
    data: PathBuf,
    /// Folder for what is needed meanwhile.
    scratch: PathBuf,
    /// The run to sample from, where the user names one.
    run: Option<PathBuf>,
    quick: bool,
    seconds: f64,
    pairs: usize,
    threads: u64,
    /// Whether steps can be measured in bf16.
    bf16: bool,
}

impl Bench<'_> {
    /// The precisions to measure, the slower first.
    fn precisions(&self) -> &'static [&'static str] {
        if self.bf16 {
            &["f32", "bf16"]
        } else {
            &["f32"]
        }
    }

    /// The precision that training takes here.
    fn precision(&self) -> &'static str {
        if self.bf16 { "bf16" } else { "f32" }
    }

    /// One thread and as many as are asked for.
    fn thread_counts(&self) -> Vec<u64> {
        let mut counts = vec![1, self.threads];
        counts.dedup();
        counts
    }
}

/// Measures what is asked for and writes each part's result as soon as it is
/// there.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let seconds = seconds(args)?;
    let parts = parts(args);
    let run = args.run.as_deref().map(open_run).transpose()?;
    let machine = Machine::look(workspace)?;
    let data = match &args.data {
        // A folder that the user names is theirs: checked, never filled.
        Some(dir) => {
            data::check(dir)?;
            std::path::absolute(dir).with_context(|| format!("--data {}", dir.display()))?
        }
        None => {
            let dir = workspace.paths().data(None);
            data::ensure(workspace, &dir)?;
            dir
        }
    };
    libtorch::ensure(workspace, false)?;
    let scratch = workspace.root().join("target").join("bench");
    std::fs::create_dir_all(&scratch)
        .with_context(|| format!("cannot create {}", scratch.display()))?;
    let cores = thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let bench = Bench {
        workspace,
        forger: forger::build(workspace)?,
        data,
        run,
        quick: args.quick,
        seconds,
        pairs: usize::from(args.pairs.unwrap_or(if args.quick { 1 } else { 5 })),
        threads: args.threads.map_or(cores, u64::from),
        bf16: machine.bf16,
        scratch,
    };
    let path = page_path(&bench);
    let page = Page::new(path.clone(), provenance(&machine, &bench));
    let (mut written, mut outcome) = (false, Ok(()));
    for part in parts {
        say(format_args!("\n== {}", part.name()));
        let found = measure(&bench, part);
        match found {
            Ok(sections) => {
                for (part, text) in sections {
                    page.put(part, &text)?;
                    written = true;
                    show(&text)?;
                }
            }
            // The other parts are worth having all the same.
            Err(error) => {
                crate::fault::report(&error);
                outcome = Err(fault(
                    format!("the part `{}` could not be measured", part.name()),
                    format!("its error is above; then run `{}`", command(part)),
                ));
            }
        }
    }
    if written {
        say(format_args!("\nwritten: {}", path.display()));
    }
    outcome
}

/// The folder of the run to sample from, found out before half an hour of other
/// measurements.
fn open_run(dir: &Path) -> Result<PathBuf> {
    let run = runs::open(dir, "sample from", "a run's directory with --run")?;
    Ok(run.root().to_owned())
}

/// A part's text, and that of the peak where it was measured along the way.
fn measure(bench: &Bench, part: Part) -> Result<Vec<(Part, String)>> {
    let text = match part {
        Part::Steps => {
            let found = steps::measure(bench)?;
            return Ok(vec![
                (Part::Steps, found.render()),
                (Part::Peak, peak::render(&found.peaks)),
            ]);
        }
        Part::Peak => peak::render(&peak::measure(bench)?),
        Part::Peers => peers::render(&peers::measure(bench)?),
        Part::Scaling => scaling::render(&scaling::measure(bench)?),
        Part::Operators => operators::render(&operators::measure(bench)?),
        Part::Sampling => sampling::render(&sampling::measure(bench)?),
        Part::Formats => formats::render(&formats::measure(bench)?),
    };
    Ok(vec![(part, text)])
}

fn parts(args: &Args) -> Vec<Part> {
    let mut parts = args.only.clone();
    if parts.is_empty() {
        parts = Part::ALL.to_vec();
        parts.retain(|part| *part != Part::Peers);
    }
    if args.peers {
        parts.push(Part::Peers);
    }
    parts.sort_unstable();
    parts.dedup();
    // Steps measure the peak themselves.
    if parts.contains(&Part::Steps) {
        parts.retain(|part| *part != Part::Peak);
    }
    parts
}

fn seconds(args: &Args) -> Result<f64> {
    let seconds = args.seconds.unwrap_or(if args.quick { 0.3 } else { 5.0 });
    if seconds > 0.0 && seconds <= 600.0 {
        return Ok(seconds);
    }
    Err(fault(
        format!("--seconds {seconds} is impossible"),
        "give a number above 0 and up to 600, or leave the option out",
    ))
}

/// A look at the numbers is not what the page is for.
fn page_path(bench: &Bench) -> PathBuf {
    if bench.quick {
        bench.scratch.join("quick.md")
    } else {
        Path::new(bench.workspace.root()).join("docs/benchmarks.md")
    }
}

fn command(part: Part) -> String {
    match part {
        Part::Peers => "cargo xtask bench --peers --only peers".to_owned(),
        part => format!("cargo xtask bench --only {}", part.name()),
    }
}

/// What stands below each part: how it was measured, on what, and when.
fn provenance(machine: &Machine, bench: &Bench) -> impl Fn(Part) -> String {
    let how = format!(
        "--seconds {} --pairs {} --threads {}",
        bench.seconds, bench.pairs, bench.threads
    );
    let on = machine.sentence();
    move |part| format!("`{} {how}`: {on}", command(part))
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use gan_cli::{Cli, Command as Task};

    use super::*;

    fn args(line: &[&str]) -> std::result::Result<Args, clap::Error> {
        let words = ["xtask", "bench"].iter().chain(line);
        Cli::try_parse_from(words).map(|cli| match cli.command {
            Task::Bench(args) => args,
            _ => panic!("not bench"),
        })
    }

    #[test]
    fn peers_are_measured_only_when_asked_for_and_the_peak_along_with_steps() {
        let of = |line: &[&str]| parts(&args(line).unwrap());
        let most = [
            Part::Steps,
            Part::Scaling,
            Part::Operators,
            Part::Sampling,
            Part::Formats,
        ];
        assert_eq!(of(&[]), most);
        assert!(of(&["--peers"]).contains(&Part::Peers));
        assert_eq!(of(&["--only", "peak,formats"]), [Part::Peak, Part::Formats]);
        assert_eq!(of(&["--only", "peak,steps"]), [Part::Steps]);
        assert_eq!(of(&["--only=peers", "--peers"]), [Part::Peers]);
    }

    #[test]
    fn what_cannot_be_is_refused_before_anything_is_measured() {
        for line in [
            &["--only", "speed"][..],
            &["--pairs", "0"],
            &["--threads", "0"],
            &["--seconds", "x"],
        ] {
            assert!(args(line).is_err(), "{line:?}");
        }
        for line in [["--seconds=0"], ["--seconds=-1"], ["--seconds=nan"]] {
            assert!(seconds(&args(&line).unwrap()).is_err(), "{line:?}");
        }
        assert_eq!(seconds(&args(&["--quick"]).unwrap()).unwrap(), 0.3);
        assert_eq!(seconds(&args(&["--seconds=2"]).unwrap()).unwrap(), 2.0);
    }

    #[test]
    fn every_part_is_named_as_it_is_asked_for() {
        for part in Part::ALL {
            assert_eq!(args(&["--only", part.name()]).unwrap().only, [part]);
        }
    }
}
