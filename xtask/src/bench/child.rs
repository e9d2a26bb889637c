//! Runs a program that measures itself, and reads the one line that it prints.

use std::fmt;
use std::process::Command;

use anyhow::{Context, Error, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Bench;

/// What `forger bench steps` says, and a peer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Steps {
    pub system: String,
    pub batch: u64,
    pub threads: u64,
    pub precision: String,
    pub steps: u64,
    /// The median over rounds, each as long as the penalties' period.
    pub ms_per_step: f64,
    pub images_per_second: f64,
    #[serde(default)]
    pub warm_up_steps: u64,
    #[serde(default)]
    pub flops_per_step: Option<f64>,
    #[serde(default)]
    pub peak_memory_bytes: Option<u64>,
    /// PyTorch's version, of a peer.
    #[serde(default)]
    pub torch: Option<String>,
}

/// Which steps are to be measured.
#[derive(Debug, Clone)]
pub struct Order<'a> {
    pub system: &'a str,
    pub precision: &'a str,
    pub threads: u64,
    pub batch: Option<u64>,
    pub width: u64,
}

impl Bench<'_> {
    /// `forger bench steps` of that order.
    pub fn steps(&self, order: &Order) -> Result<Steps> {
        let (_, steps) = last_line(&mut self.steps_command(order))?;
        Ok(steps)
    }

    /// The command that [`Bench::steps`] runs.
    pub fn steps_command(&self, order: &Order) -> Command {
        let mut command = Command::new(&self.forger);
        command
            .args(["bench", "steps", "--preset", order.system])
            .args(["--precision", order.precision])
            .args(["--threads", &order.threads.to_string()])
            .args(["--seconds", &self.seconds.to_string()])
            .args(["--width", &order.width.to_string()])
            .args(["--device", "cpu"])
            .arg("--data")
            .arg(&self.data);
        if let Some(batch) = order.batch {
            command.args(["--batch", &batch.to_string()]);
        }
        command
    }
}

/// A program that ended with an error of its own.
#[derive(Debug)]
pub struct Failed {
    command: String,
    /// The last line that it wrote to its standard error.
    pub reason: String,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: {}", self.command, self.reason)
    }
}

impl std::error::Error for Failed {}

/// What the command prints on standard output, and its last line as JSON.
///
/// # Errors
/// Where it cannot be run or prints something else; [`Failed`] where it fails.
pub fn last_line<T: DeserializeOwned>(command: &mut Command) -> Result<(String, T)> {
    let name = format!("{command:?}");
    let output = command
        .output()
        .with_context(|| format!("cannot run {name}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let last = errors.lines().rfind(|line| !line.trim().is_empty());
        let reason = last.unwrap_or("it does not say why").to_owned();
        return Err(Error::new(Failed {
            command: name,
            reason,
        }));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().last().unwrap_or_default();
    let value = serde_json::from_str(line)
        .with_context(|| format!("{name} printed no measurement but {line:?}"))?;
    Ok((text, value))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Result<(String, Steps)> {
        last_line(Command::new("sh").args(["-c", script]))
    }

    const LINE: &str = r#"{"system":"dcgan","batch":64,"threads":2,"precision":"f32","steps":9,
        "ms_per_step":100.0,"ms_mean":101.0,"images_per_second":640.0,"peak_memory_bytes":null,
        "torch":"2.13.0+cpu","style":"default"}"#;

    #[test]
    fn the_last_line_counts_whatever_comes_before_it() {
        let line = LINE.replace("\n", "");
        let (text, steps) = shell(&format!("echo noise; echo '{line}'")).unwrap();
        assert!(text.starts_with("noise\n"));
        assert_eq!(steps.images_per_second, 640.0);
        assert_eq!(
            (steps.peak_memory_bytes, steps.flops_per_step),
            (None, None)
        );
        assert_eq!(steps.torch.as_deref(), Some("2.13.0+cpu"));
    }

    #[test]
    fn a_program_that_fails_is_an_error_with_its_last_words_and_never_a_number() {
        let line = LINE.replace("\n", "");
        let failed = shell(&format!("echo '{line}'; echo no memory >&2; exit 3"));
        assert!(
            failed
                .unwrap_err()
                .to_string()
                .ends_with("failed: no memory")
        );
        assert!(shell("echo 12").is_err() && shell("true").is_err());
    }
}
