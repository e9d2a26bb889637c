//! What is printed: results on standard output, all else on standard error.

use std::fmt::Display;
use std::io::{ErrorKind, Write, stderr, stdout};

use anyhow::{Context, Result};

/// Prints `text` and ends the line. That nobody reads on, as behind `| head -1`,
/// is no failure.
pub fn line(text: impl Display) -> Result<()> {
    match writeln!(stdout(), "{text}") {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

/// Tells the user something. Work goes on where nobody can be told.
pub fn note(text: impl Display) {
    let _ = writeln!(stderr(), "{text}");
}
