//! Prints a message and exits with code 130 on Ctrl-C.

#[cfg(unix)]
use signal_hook::{consts::SIGINT, iterator::Signals};

/// From here on, Ctrl-C prints a message before it ends the program. No cleanup is needed: the next
/// command continues or removes unfinished downloads.
#[cfg(unix)]
pub fn install() {
    if gan_cli::signals::is_ignored(SIGINT) {
        return;
    }
    // If this fails, Ctrl-C ends the program without the message.
    let Ok(mut signals) = Signals::new([SIGINT]) else {
        return;
    };
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            gan_cli::output::eprint_line("\ninterrupted; run the same command again to continue");
            std::process::exit(130);
        }
    });
}

/// Ctrl-C ends the program without a message.
#[cfg(not(unix))]
pub fn install() {}
