//! Keeps freed memory in the process: glibc returns big blocks to the kernel at
//! once, and a training step frees and asks for the same blocks again and again.

/// Tells glibc to keep what is freed, unless the user has settings of their own
/// in `MALLOC_…` or `GLIBC_TUNABLES`; elsewhere does nothing.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if !std::env::vars_os().any(|(key, _)| {
        let key = key.to_string_lossy();
        key.starts_with("MALLOC_") || key == "GLIBC_TUNABLES"
    }) {
        glibc::tune();
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
mod glibc {
    /// Blocks up to this size come from the heap, and the heap's end is kept.
    const KEEP: libc::c_int = 1 << 30;

    /// The heap grows by this much at once.
    const GROW: libc::c_int = 64 << 20;

    pub fn tune() {
        // SAFETY: mallopt has no preconditions but to be called while no other
        // thread is inside the allocator; this runs first in main, before any
        // thread exists. A refused value leaves the default in place.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, KEEP);
            libc::mallopt(libc::M_TRIM_THRESHOLD, KEEP);
            libc::mallopt(libc::M_TOP_PAD, GROW);
            // Freed small blocks kept apart would be gone through, to be joined,
            // whenever a big one is asked for, which is all the time.
            libc::mallopt(libc::M_MXFAST, 0);
        }
    }
}
