//! Ends the program without taking libtorch apart: at a usual exit it unregisters
//! its thousands of operators one by one, which takes a fifth of a second.

use std::io::Write;

/// Ends the process successfully, at once. What was written to standard output is
/// flushed first; nothing else that is to happen at exit happens.
pub fn success() -> ! {
    let _ = std::io::stdout().flush();
    #[cfg(unix)]
    unix::exit();
    #[cfg(not(unix))]
    std::process::exit(0);
}

#[cfg(unix)]
#[allow(unsafe_code)]
mod unix {
    pub fn exit() -> ! {
        // SAFETY: fflush(NULL) flushes the C library's own streams, which
        // libtorch prints to; _exit ends the process and has no preconditions.
        unsafe {
            libc::fflush(std::ptr::null_mut());
            libc::_exit(0)
        }
    }
}
