//! The same networks in PyTorch, in turn with ours: `bench/peers` in a virtual
//! environment of its own.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use run_dir::write_atomic;

use super::child::{Failed, Order, Steps, last_line};
use super::spread::{Spread, told};
use super::table::{Table, mebibytes, number};
use super::{Bench, SYSTEMS};
use crate::error::user_error;
use crate::packages::PYTHON;
use crate::progress::say;

/// How `bench/peers/peer.py` can write a step.
const STYLES: [&str; 3] = ["default", "expert", "compiled"];

/// One system beside one style of it.
pub struct Duel {
    system: String,
    style: &'static str,
    /// Ours, a measurement a pair.
    ours: Vec<Steps>,
    /// Theirs, as many, or why there are none.
    theirs: std::result::Result<Vec<Steps>, String>,
}

/// Measures every system beside every style, A B A B.
pub fn measure(bench: &Bench) -> Result<Vec<Duel>> {
    let python = environment(bench)?;
    let mut duels = Vec::new();
    for system in SYSTEMS {
        let mut of_system: Vec<Duel> = STYLES
            .map(|style| Duel {
                system: system.to_owned(),
                style,
                ours: Vec::new(),
                theirs: Ok(Vec::new()),
            })
            .into();
        for pair in 1..=bench.pairs {
            for duel in &mut of_system {
                duel.play(bench, &python)?;
                if let Some(ratio) = duel.ratios().last() {
                    let (style, ratio) = (duel.style, number(*ratio));
                    say(format_args!(
                        "{system}, pair {pair} of {}: {ratio} times {style}",
                        bench.pairs
                    ));
                }
            }
        }
        duels.append(&mut of_system);
    }
    Ok(duels)
}

impl Duel {
    /// One pair: ours, then theirs. A peer that failed once is not asked again.
    fn play(&mut self, bench: &Bench, python: &Path) -> Result<()> {
        let Ok(theirs) = &mut self.theirs else {
            return Ok(());
        };
        let ours = bench.steps(&Order {
            system: &self.system,
            precision: bench.precision(),
            threads: bench.threads,
            batch: None,
            width: 1,
        })?;
        match last_line::<Steps>(&mut peer(bench, python, &self.system, self.style)) {
            Ok((_, steps)) if (steps.batch, steps.threads) != (ours.batch, ours.threads) => {
                self.theirs = Err(format!(
                    "it took a batch of {} and {} threads, ours {} and {}",
                    steps.batch, steps.threads, ours.batch, ours.threads
                ));
            }
            Ok((_, steps)) => {
                theirs.push(steps);
                self.ours.push(ours);
            }
            Err(error) => {
                say(format_args!("{} {}: {error:#}", self.system, self.style));
                // The page needs no paths of this machine.
                self.theirs = Err(match error.downcast::<Failed>() {
                    Ok(failed) => failed.reason,
                    Err(error) => format!("{error:#}"),
                });
            }
        }
        Ok(())
    }

    /// Our images a second by theirs, pair by pair.
    fn ratios(&self) -> Vec<f64> {
        let theirs = self.theirs.as_deref().unwrap_or_default();
        let pairs = self.ours.iter().zip(theirs);
        pairs
            .map(|(a, b)| a.images_per_second / b.images_per_second)
            .collect()
    }
}

fn peer(bench: &Bench, python: &Path, system: &str, style: &str) -> Command {
    let mut command = Command::new(python);
    command
        .arg(folder(bench).join("peer.py"))
        .args(["--system", system, "--style", style])
        .args(["--threads", &bench.threads.to_string()])
        .args(["--seconds", &bench.seconds.to_string()])
        .arg("--data")
        .arg(&bench.data);
    // The plain style is f32 on any machine, and takes no such option.
    if style != STYLES[0] {
        command.args(["--precision", bench.precision()]);
    }
    command
}

fn folder(bench: &Bench) -> PathBuf {
    bench.workspace.root().join("bench").join("peers")
}

/// The Python of an environment with what `requirements.txt` pins; made where
/// there is none.
fn environment(bench: &Bench) -> Result<PathBuf> {
    let wanted = folder(bench).join("requirements.txt");
    let pinned =
        fs::read_to_string(&wanted).with_context(|| format!("cannot read {}", wanted.display()))?;
    let place = bench.workspace.root().join("target").join("peers");
    let python = place.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    });
    let installed = place.join("requirements.txt");
    if fs::read_to_string(&installed).is_ok_and(|there| there == pinned) && python.exists() {
        return Ok(python);
    }
    say(format_args!(
        "putting PyTorch into {}: a download of about 2.5 GB, 5 GB on the disk",
        place.display()
    ));
    let mut make = Command::new(PYTHON);
    make.args(["-m", "venv", "--clear"]).arg(&place);
    let mut fill = Command::new(&python);
    fill.args(["-m", "pip", "install", "--require-hashes"])
        .args(["--disable-pip-version-check", "--requirement"])
        .arg(&wanted);
    for command in [&mut make, &mut fill] {
        let status = command.status();
        if !status
            .with_context(|| format!("cannot run {command:?}"))?
            .success()
        {
            return Err(user_error(
                format!("{command:?} failed; its messages are above"),
                "install what they name (Debian, Ubuntu: apt install python3-venv; PyTorch is \
                 pinned for Python 3.11 to 3.13 on Linux x86-64), or measure without --peers",
            ));
        }
    }
    // Last, so that it vouches for all of it.
    write_atomic(&installed, |w| w.write_all(pinned.as_bytes()))?;
    Ok(python)
}

/// A row for each system and style.
pub fn render(duels: &[Duel]) -> String {
    let mut table = Table::new(&[
        "system and style",
        "ours, images/s",
        "theirs, images/s",
        "ours by theirs",
        "pair by pair",
        "memory, ours and theirs",
    ]);
    let mut failures = String::new();
    for duel in duels {
        let name = format!("{}, {}", duel.system, duel.style);
        let theirs = match &duel.theirs {
            Ok(theirs) => theirs,
            Err(reason) => {
                table.row(&[&name, "–", "failed", "–", "–", "–"]);
                failures.push_str(&format!("\n`{name}` failed: {reason}\n"));
                continue;
            }
        };
        let rate = |steps: &[Steps]| {
            let each: Vec<f64> = steps.iter().map(|s| s.images_per_second).collect();
            let precision = steps.first().map_or("", |s| s.precision.as_str());
            let rate = Spread::of(&each).map_or(f64::NAN, |rate| rate.median);
            format!("{} in {precision}", number(rate))
        };
        let memory =
            |steps: &[Steps]| mebibytes(steps.iter().filter_map(|s| s.peak_memory_bytes).max());
        let ratios = duel.ratios();
        let each: Vec<String> = ratios.iter().copied().map(number).collect();
        table.row(&[
            name,
            rate(&duel.ours),
            rate(theirs),
            told(Spread::of(&ratios)),
            each.join(", "),
            format!("{}, {}", memory(&duel.ours), memory(theirs)),
        ]);
    }
    let mut versions: Vec<&str> = duels
        .iter()
        .filter_map(|duel| duel.theirs.as_ref().ok()?.first()?.torch.as_deref())
        .collect();
    versions.sort_unstable();
    versions.dedup();
    let threads = duels
        .iter()
        .find_map(|duel| Some(duel.ours.first()?.threads));
    format!(
        "{}{failures}\nPyTorch {}, threads: {}. Each from `forger bench steps --preset SYSTEM` and \
         `python bench/peers/peer.py --system SYSTEM --style STYLE`.\n",
        table.text(),
        versions.join(", "),
        threads.unwrap_or(0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(rate: f64, precision: &str, torch: Option<&str>) -> Steps {
        Steps {
            system: "dcgan".to_owned(),
            batch: 64,
            threads: 2,
            precision: precision.to_owned(),
            steps: 100,
            ms_per_step: 64e3 / rate,
            images_per_second: rate,
            warm_up_steps: 0,
            flops_per_step: None,
            peak_memory_bytes: Some(1 << 30),
            torch: torch.map(str::to_owned),
        }
    }

    #[test]
    fn a_peer_that_fails_is_told_as_failed_and_the_others_pair_by_pair() {
        let duels = [
            Duel {
                system: "dcgan".to_owned(),
                style: "default",
                ours: vec![steps(900.0, "bf16", None), steps(450.0, "bf16", None)],
                theirs: Ok(vec![
                    steps(300.0, "f32", Some("2.13.0")),
                    steps(100.0, "f32", Some("2.13.0")),
                ]),
            },
            Duel {
                system: "dcgan".to_owned(),
                style: "compiled",
                ours: vec![],
                theirs: Err("no compiler".to_owned()),
            },
        ];
        let expected = "\
| system and style | ours, images/s | theirs, images/s | ours by theirs | pair by pair | memory, ours and theirs |
|---|---:|---:|---:|---:|---:|
| dcgan, default | 675 in bf16 | 200 in f32 | 3.75 (3.00 to 4.50) | 3.00, 4.50 | 1,024 MiB, 1,024 MiB |
| dcgan, compiled | – | failed | – | – | – |

`dcgan, compiled` failed: no compiler

PyTorch 2.13.0, threads: 2. Each from `forger bench steps --preset SYSTEM` and `python \
bench/peers/peer.py --system SYSTEM --style STYLE`.
";
        assert_eq!(render(&duels), expected);
    }
}
