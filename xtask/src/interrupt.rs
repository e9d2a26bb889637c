//! Ctrl-C while this program works: one line, and exit code 130 as shells have it.

use std::sync::atomic::{AtomicBool, Ordering};

static HANDED_OVER: AtomicBool = AtomicBool::new(false);

/// Ends the program on Ctrl-C from here on. Nothing needs to be cleaned up:
/// whatever is half done lies aside and is used or removed by the next call.
pub fn install() {
    // Without a handler Ctrl-C ends the program too, only without a word.
    let _ = ctrlc::set_handler(|| {
        if !HANDED_OVER.load(Ordering::SeqCst) {
            eprintln!(
                "\ninterrupted; what is whole is kept, and the same command can be run again"
            );
            std::process::exit(130);
        }
    });
}

/// Leaves Ctrl-C to the child that runs from here on in this program's place.
#[cfg(not(unix))]
pub fn leave_to_child() {
    HANDED_OVER.store(true, Ordering::SeqCst);
}
