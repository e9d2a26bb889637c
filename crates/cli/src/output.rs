//! Results on standard output, messages on standard error.

use std::fmt::Display;
use std::io::{ErrorKind, Write, stderr, stdout};

use anyhow::{Context, Result};

/// Prints a result and ends the line. A closed pipe, as behind `| head -1`, is not an
/// error.
pub fn line(result: impl Display) -> Result<()> {
    match writeln!(stdout(), "{result}") {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

/// Prints a message and ends the line. The work continues if standard error is closed.
pub fn note(message: impl Display) {
    let _ = writeln!(stderr(), "{message}");
}
