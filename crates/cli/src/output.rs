//! Results on standard output, messages on standard error.

use std::fmt::{self, Display, Write as _};
use std::io::{ErrorKind, IsTerminal, Write, stderr, stdout};

use anyhow::{Context, Result};

/// Prints a result on standard output and ends the line. A closed pipe, as behind `| head -1`, is
/// not an error.
pub fn print_line(result: impl Display) -> Result<()> {
    ignore_closed_pipe(writeln!(stdout(), "{}", Escaped(result)))
}

/// Prints text with the program's own escape sequences unchanged, and ends the line.
pub fn colored(text: &str) -> Result<()> {
    ignore_closed_pipe(writeln!(stdout(), "{text}"))
}

/// Prints a message on standard error and ends the line. The work continues if standard error is
/// closed.
pub fn eprint_line(message: impl Display) {
    let _ = writeln!(stderr(), "{}", Escaped(message));
}

/// The outcome of writing to standard output. A closed pipe is not an error.
pub(crate) fn ignore_closed_pipe(outcome: std::io::Result<()>) -> Result<()> {
    match outcome {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.context("cannot write to standard output"),
    }
}

/// Whether standard error is a terminal that can draw over a line.
pub fn can_redraw() -> bool {
    stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Text that cannot control a terminal: names and files from outside may hold escape
/// sequences.
///
/// Control characters, besides line ends and tabs, and characters that turn the direction
/// of text become escapes such as `\u001b`, which JSON strings have too.
pub struct Escaped<T>(pub T);

impl<T: Display> Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.to_string().chars() {
            if controls_terminal(c) {
                write!(f, "\\u{:04x}", u32::from(c))?;
            } else {
                f.write_char(c)?;
            }
        }
        Ok(())
    }
}

fn controls_terminal(c: char) -> bool {
    let turns_text =
        matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns_text || (c.is_control() && c != '\n' && c != '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_control_a_terminal_become_escapes() {
        let hostile = "a\u{1b}[2Jb\u{9b}c\rd\u{7f}e\u{202e}f\u{0}";
        let shown = Escaped(hostile).to_string();
        assert_eq!(shown, "a\\u001b[2Jb\\u009bc\\u000dd\\u007fe\\u202ef\\u0000");
    }

    #[test]
    fn other_text_is_printed_as_it_is() {
        let text = "0001-modern\tFID 3,2 ± 0.1\n→ データ é";
        assert_eq!(Escaped(text).to_string(), text);
    }
}
