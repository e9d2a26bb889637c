//! Ctrl-C and the system's request to end: the first is a wish, the second is
//! obeyed at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// What is listened to.
#[cfg(unix)]
const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, signal_hook::consts::SIGHUP];
#[cfg(not(unix))]
const SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

/// Whether somebody asked for the end.
#[derive(Debug, Clone)]
pub struct Signals {
    number: Arc<AtomicUsize>,
}

impl Signals {
    /// Listens from here on. A second signal ends the program at once.
    pub fn listen() -> io::Result<Signals> {
        let number = Arc::new(AtomicUsize::new(0));
        let asked = Arc::new(AtomicBool::new(false));
        for signal in SIGNALS {
            // In this order: the first signal finds `asked` unset.
            flag::register_conditional_shutdown(signal, exit_code(signal).into(), asked.clone())?;
            flag::register(signal, asked.clone())?;
            flag::register_usize(signal, number.clone(), signal.unsigned_abs() as usize)?;
        }
        Ok(Signals { number })
    }

    /// Whether a signal came.
    pub fn came(&self) -> bool {
        self.number.load(Ordering::SeqCst) != 0
    }

    /// The exit code of a program that a signal ended, as shells have it.
    pub fn exit_code(&self) -> u8 {
        exit_code(self.number.load(Ordering::SeqCst) as i32)
    }
}

/// 130 for Ctrl-C, 143 for the system's request.
fn exit_code(signal: i32) -> u8 {
    (128 + signal) as u8
}
