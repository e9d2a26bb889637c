//! Ctrl-C and other signals that end the program: the first stops the work after the
//! current step, the second ends the program at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gan_cli::signals::is_ignored;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

#[cfg(unix)]
const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, signal_hook::consts::SIGHUP];
#[cfg(not(unix))]
const SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

/// The signals received so far.
#[derive(Debug, Clone)]
pub struct Signals {
    /// Number of the last signal; 0 before the first.
    last: Arc<AtomicUsize>,
}

impl Signals {
    /// Handles the signals from now on, except those that the caller of the program chose to
    /// ignore, as `nohup` does.
    pub fn listen() -> io::Result<Signals> {
        let last = Arc::new(AtomicUsize::new(0));
        let received = Arc::new(AtomicBool::new(false));
        for signal in SIGNALS.into_iter().filter(|signal| !is_ignored(*signal)) {
            // The order matters: the first signal must find `received` unset.
            flag::register_conditional_shutdown(
                signal,
                exit_code(signal).into(),
                received.clone(),
            )?;
            flag::register(signal, received.clone())?;
            flag::register_usize(signal, last.clone(), signal.unsigned_abs() as usize)?;
        }
        Ok(Signals { last })
    }

    /// Whether a signal was received.
    pub fn received(&self) -> bool {
        self.last.load(Ordering::SeqCst) != 0
    }

    /// The exit code for the last signal.
    pub fn exit_code(&self) -> u8 {
        exit_code(self.last.load(Ordering::SeqCst) as i32)
    }
}

/// 128 plus the signal's number, as shells report it: 130 for Ctrl-C, 143 for SIGTERM.
fn exit_code(signal: i32) -> u8 {
    (128 + signal) as u8
}
