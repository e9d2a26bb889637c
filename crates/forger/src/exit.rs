//! Ends the program without libtorch's destructors, and reports an error instead of an abort.

use std::io::Write;

/// Turns an abort into an error with exit code 1. Rust aborts if an allocation fails, and
/// libtorch if one fails in a thread of OpenMP.
#[allow(unsafe_code)]
#[cfg(unix)]
pub fn report_aborts() {
    let report = || {
        let text = "error: out of memory, or a library aborted; a smaller --batch or --count needs \
                    less memory\n";
        // SAFETY: write and _exit may be called in the handler of a signal. The text lives as
        // long as the program.
        unsafe {
            libc::write(2, text.as_ptr().cast(), text.len());
            libc::_exit(1)
        }
    };
    // SAFETY: the handler makes the two calls above and does not return. If it cannot be
    // installed, an abort stays an abort.
    let _ = unsafe { signal_hook::low_level::register(libc::SIGABRT, report) };
}

/// Ends the process with exit code 0 after flushing standard output. No other exit
/// handler runs: the destructors of libtorch unregister thousands of operators, which
/// takes a fifth of a second.
#[allow(unsafe_code)]
pub fn success() -> ! {
    let _ = std::io::stdout().flush();
    #[cfg(not(unix))]
    std::process::exit(0);
    // SAFETY: fflush(NULL) flushes the streams of the C library, which libtorch
    // prints to; _exit ends the process. Neither has preconditions.
    #[cfg(unix)]
    unsafe {
        libc::fflush(std::ptr::null_mut());
        libc::_exit(0)
    }
}
