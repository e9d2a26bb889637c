//! Errors of `forger`: panics of libtorch become errors, and errors are printed with a hint.

use std::any::Any;
use std::error::Error as StdError;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};

use anyhow::{Error, Result, anyhow};

/// The message of an out-of-memory error.
pub const OUT_OF_MEMORY: &str = "out of memory; a smaller --batch or --count needs less";

/// Prints the error, and a hint if there is one.
pub fn report(error: &Error) {
    // An error of libtorch that is no panic.
    if is_out_of_memory(&gan_cli::error::message(error)) {
        return gan_cli::error::report(&anyhow!(OUT_OF_MEMORY), None);
    }
    gan_cli::error::report(error, hint(error));
}

/// Whether the message is about memory. oneDNN only says that it cannot create a primitive.
fn is_out_of_memory(message: &str) -> bool {
    ["not enough memory", "out of memory", "allocate memory", "bad_alloc", "create a primitive"]
        .iter()
        .any(|words| message.contains(words))
}

/// Runs `work`; a panic in it becomes an error.
///
/// tch converts exceptions of libtorch into panics. No check can exclude all of them in
/// advance, for example when memory runs out.
pub fn catching_panics<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    set_hook(Box::new(|info| tracing::debug!("{info}")));
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| Err(explain(&*payload)))
}

fn explain(payload: &(dyn Any + Send)) -> Error {
    let string = payload.downcast_ref::<String>().map(String::as_str);
    let text = string.or(payload.downcast_ref().copied());
    let text = text.unwrap_or("no reason given");
    if is_out_of_memory(text) {
        return anyhow!(OUT_OF_MEMORY);
    }
    // The text of an exception that tch unwrapped. The lines after the first are
    // libtorch's backtrace.
    let (source, reason) = match text.split_once("Torch(\"") {
        Some((_, reason)) => {
            let first = reason.split("\\n").next().unwrap_or(reason);
            ("error in libtorch", first.trim_end_matches("\")"))
        }
        None => ("internal error", text.lines().next().unwrap_or(text)),
    };
    anyhow!("{source}: {reason} (set RUST_LOG=debug for details)")
}

/// What the user can do about the error.
pub fn hint(error: &Error) -> Option<&'static str> {
    error.chain().find_map(hint_for_cause)
}

fn hint_for_cause(cause: &(dyn StdError + 'static)) -> Option<&'static str> {
    use gan_metrics::Error as Metrics;
    use gan_trainer::Error as Trainer;
    let unreadable = cause.downcast_ref().is_some_and(mnist_io::Error::is_permission_denied)
        || cause.downcast_ref().is_some_and(gan_import::Error::is_permission_denied);
    if unreadable {
        return Some(gan_cli::error::PERMISSION_HELP);
    }
    let (trainer, metrics) = (cause.downcast_ref(), cause.downcast_ref());
    Some(match (trainer, metrics) {
        (Some(Trainer::Diverged { .. }), _) => {
            "train again with lower learning rates, as in --set lr_d=1e-4 --set lr_g=1e-4, or with \
             --set spectral_norm=true"
        }
        (Some(Trainer::NoCheckpoint { .. }), _) => {
            "wait a minute if the run is still training; continue a stopped run with `cargo xtask \
             train --resume DIR`; or give another run with --run"
        }
        (Some(Trainer::NoValidCheckpoint { .. }), _) => {
            "restore that folder if it was moved; or add --restart to delete the rows, snapshots \
             and checkpoints of the run and train it from the beginning"
        }
        (Some(Trainer::ImageSize { .. }), _) | (_, Some(Metrics::NotMnistSize { .. })) => {
            "give another data set with --data, or with --against for evaluate"
        }
        (_, Some(Metrics::TooFew { .. })) => {
            "choose other metrics, as in --metrics duplicates,parzen"
        }
        (_, Some(Metrics::UnreliableFeatures(_))) => {
            "choose metrics without the classifier: --metrics duplicates,parzen"
        }
        _ => run_dir::help(cause.downcast_ref::<io::Error>()?.kind())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_of_one_line() {
        let torch = catching_panics::<()>(|| {
            let a = tch::Tensor::zeros([2], (tch::Kind::Float, tch::Device::Cpu));
            let _ = &a + tch::Tensor::zeros([3], (tch::Kind::Float, tch::Device::Cpu));
            Ok(())
        });
        let error = torch.unwrap_err().to_string();
        assert!(error.starts_with("error in libtorch: The size of tensor a"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        let own = catching_panics::<()>(|| {
            assert_eq!(1, 2, "counts");
            Ok(())
        });
        let error = own.unwrap_err().to_string();
        assert!(error.starts_with("internal error: ") && error.contains("counts"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        let failed = catching_panics::<()>(|| panic!("DefaultCPUAllocator: not enough memory: x"));
        assert!(failed.unwrap_err().to_string().contains("--batch"));
        let failed = catching_panics::<()>(|| panic!("could not create a primitive"));
        assert_eq!(failed.unwrap_err().to_string(), OUT_OF_MEMORY);
    }

    #[test]
    fn refused_read_of_data_does_not_ask_for_a_writable_folder() {
        let refused = || mnist_io::Error::Io {
            action: "open",
            path: "x".into(),
            reason: io::ErrorKind::PermissionDenied.into(),
        };
        let imported = gan_import::Error::from(refused());
        for error in [Error::new(refused()), Error::new(imported).context("--data x")] {
            assert!(hint(&error).unwrap().contains("chmod +r"));
        }
    }

    #[test]
    fn a_missing_file_has_a_hint() {
        let missing = || mnist_io::Error::Io {
            action: "open",
            path: "x".into(),
            reason: io::ErrorKind::NotFound.into(),
        };
        let imported = gan_import::Error::from(missing());
        for error in [Error::new(missing()), Error::new(imported).context("--data x")] {
            assert!(hint(&error).unwrap().contains("path"));
        }
    }

    #[test]
    fn refused_write_has_a_hint_in_every_error_type() {
        let refused = || run_dir::Error::Io {
            action: "write",
            path: "x".into(),
            reason: io::ErrorKind::ReadOnlyFilesystem.into(),
        };
        for error in [
            Error::new(refused()),
            Error::new(gan_trainer::Error::from(refused())),
            Error::new(gan_viz::Error::from(refused())).context("drawing"),
        ] {
            assert!(hint(&error).unwrap().contains("writable"));
        }
    }
}
