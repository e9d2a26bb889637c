//! Errors that tell the user what to do next.

use std::io;

use anyhow::Error;

pub use gan_cli::error::user_error;

/// Prints the error and what to do next, if that is known.
pub fn report(error: &Error) {
    gan_cli::error::report(error, io_remedy(error));
}

/// What to do about an error of the operating system.
fn io_remedy(error: &Error) -> Option<&'static str> {
    let unreadable = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref().is_some_and(mnist_io::Error::is_permission_denied)
    };
    if error.chain().any(unreadable) {
        return Some(gan_cli::error::PERMISSION_HELP);
    }
    run_dir::help(error.chain().find_map(|cause| cause.downcast_ref::<io::Error>())?.kind())
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    #[test]
    fn a_full_disk_and_a_read_only_folder_have_their_own_remedies() {
        let io_error = |kind: ErrorKind| run_dir::Error::Io {
            action: "write",
            path: "x".into(),
            reason: kind.into(),
        };
        for (kind, word) in
            [(ErrorKind::StorageFull, "space"), (ErrorKind::PermissionDenied, "writable")]
        {
            let plain = Error::new(io::Error::from(kind)).context("cannot write x");
            assert!(io_remedy(&plain).unwrap().contains(word));
            assert!(io_remedy(&Error::new(io_error(kind))).unwrap().contains(word));
            let drawing = gan_viz::Error::from(io_error(kind));
            assert!(io_remedy(&Error::new(drawing)).unwrap().contains(word));
        }
        let other = Error::new(io_error(ErrorKind::TimedOut));
        assert_eq!(io_remedy(&other), None);
    }
}
