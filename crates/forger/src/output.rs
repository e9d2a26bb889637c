//! Output of the program: results on standard output, messages on standard error.

use std::fmt::Display;
use std::io::{ErrorKind, Write, stderr, stdout};

use anyhow::{Context, Result};

/// Prints a line on standard output. A closed pipe, as behind `| head -1`, is not an
/// error.
pub fn line(text: impl Display) -> Result<()> {
    match writeln!(stdout(), "{text}") {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

/// Prints a line on standard error. The work continues if standard error is closed.
pub fn note(text: impl Display) {
    let _ = writeln!(stderr(), "{text}");
}
