//! Memory for the whole process, libtorch included: mimalloc in the place of glibc's
//! `malloc`. A training step asks for some thousand blocks and frees them again.

/// Sets mimalloc up for training; elsewhere than on glibc does nothing.
///
/// To be called first, before there are threads.
pub fn set_up() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        settings::never_purge();
        exports::refuse_more_than_there_is();
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
mod settings {
    use libmimalloc_sys::{_mi_option_last, mi_option_set_default, mi_option_t};

    /// `mi_option_purge_delay` of mimalloc 2's `mimalloc.h`, which the crate leaves out.
    pub const PURGE_DELAY: mi_option_t = 15;

    // With another number of options they may have other places.
    const _: () = assert!(_mi_option_last == 38);

    /// Milliseconds until freed memory goes back to the kernel that mean never.
    pub const NEVER: libc::c_long = -1;

    /// Keeps what is freed, unless `MIMALLOC_PURGE_DELAY` says otherwise: the next step
    /// asks for it again.
    pub fn never_purge() {
        // SAFETY: the call checks the place and stores a number, which no other thread
        // reads meanwhile.
        unsafe { mi_option_set_default(PURGE_DELAY, NEVER) }
    }
}

/// The functions that glibc's manual ("Replacing malloc") asks of who replaces one of
/// them. C++'s `new` calls them, and throws where they have nothing.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
mod exports {
    use std::ptr::null_mut;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use libc::{ENOMEM, c_int, c_void, size_t};
    use libmimalloc_sys as mi;

    /// Bytes that a block may have.
    static MOST: AtomicUsize = AtomicUsize::new(usize::MAX);

    /// Refuses blocks larger than the machine's memory, as the kernel does for glibc,
    /// but not for mimalloc, which asks for addresses alone: they would be granted, and
    /// the process killed on its way through them.
    pub fn refuse_more_than_there_is() {
        // SAFETY: two questions that have no preconditions.
        let (pages, size) = unsafe {
            (
                libc::sysconf(libc::_SC_PHYS_PAGES),
                libc::sysconf(libc::_SC_PAGESIZE),
            )
        };
        if let (Ok(pages @ 1..), Ok(size @ 1..)) = (usize::try_from(pages), usize::try_from(size)) {
            MOST.store(pages.saturating_mul(size), Ordering::Relaxed);
        }
    }

    fn fits(size: size_t) -> bool {
        size <= MOST.load(Ordering::Relaxed)
    }

    /// What a function returns that has no memory to give.
    fn none() -> *mut c_void {
        // SAFETY: the calling thread's own errno.
        unsafe { *libc::__errno_location() = ENOMEM };
        null_mut()
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn malloc(size: size_t) -> *mut c_void {
        if !fits(size) {
            return none();
        }
        // SAFETY: any size will do.
        unsafe { mi::mi_malloc(size) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn calloc(count: size_t, size: size_t) -> *mut c_void {
        if !fits(count.saturating_mul(size)) {
            return none();
        }
        // SAFETY: any sizes will do.
        unsafe { mi::mi_calloc(count, size) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn realloc(block: *mut c_void, size: size_t) -> *mut c_void {
        if !fits(size) {
            return none();
        }
        // SAFETY: the caller's block is one of ours, or null.
        unsafe { mi::mi_realloc(block, size) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn free(block: *mut c_void) {
        // SAFETY: the caller's block is one of ours, or null.
        unsafe { mi::mi_free(block) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn posix_memalign(
        block: *mut *mut c_void,
        alignment: size_t,
        size: size_t,
    ) -> c_int {
        if !fits(size) {
            return ENOMEM;
        }
        // SAFETY: the caller's pointer can be written to; alignments are checked.
        unsafe { mi::mi_posix_memalign(block, alignment, size) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn aligned_alloc(alignment: size_t, size: size_t) -> *mut c_void {
        if !fits(size) {
            return none();
        }
        // SAFETY: alignments are checked.
        unsafe { mi::mi_malloc_aligned(size, alignment) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memalign(alignment: size_t, size: size_t) -> *mut c_void {
        // SAFETY: the same function by its older name.
        unsafe { aligned_alloc(alignment, size) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn valloc(size: size_t) -> *mut c_void {
        // SAFETY: pages of this size are a power of two.
        unsafe { aligned_alloc(PAGE, size) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn pvalloc(size: size_t) -> *mut c_void {
        match size.checked_next_multiple_of(PAGE) {
            // SAFETY: as above.
            Some(size) => unsafe { aligned_alloc(PAGE, size) },
            None => none(),
        }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn malloc_usable_size(block: *mut c_void) -> size_t {
        // SAFETY: the caller's block is one of ours, or null.
        unsafe { mi::mi_usable_size(block) }
    }

    /// At least the size of a page.
    const PAGE: size_t = 1 << 16;
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
mod tests {
    use libmimalloc_sys::{mi_is_in_heap_region, mi_option_get};
    use tch::{Device, Kind, Tensor};

    use super::*;

    #[test]
    fn blocks_of_rust_c_and_libtorch_are_mimallocs() {
        let tensor = Tensor::zeros([1000, 1000], (Kind::Float, Device::Cpu));
        let boxed = Box::new([1u8; 100]);
        // SAFETY: asks where the blocks lie; the one of C is freed once.
        unsafe {
            let of_c = libc::malloc(100);
            assert!(mi_is_in_heap_region(of_c));
            libc::free(of_c);
            assert!(mi_is_in_heap_region(tensor.data_ptr()));
            assert!(mi_is_in_heap_region(std::ptr::from_ref(&*boxed).cast()));
        }
    }

    #[test]
    fn freed_memory_is_kept() {
        set_up();
        // SAFETY: reads a number.
        let delay = unsafe { mi_option_get(settings::PURGE_DELAY) };
        match std::env::var_os("MIMALLOC_PURGE_DELAY") {
            None => assert_eq!(delay, settings::NEVER),
            Some(_) => assert_ne!(delay, 10, "the user's, not the default"),
        }
    }

    #[test]
    fn a_block_larger_than_the_memory_is_an_error() {
        set_up();
        let error = Tensor::f_empty([1i64 << 44], (Kind::Uint8, Device::Cpu)).unwrap_err();
        assert!(error.to_string().contains("allocate memory"), "{error}");
        let mut bytes = Vec::<u8>::new();
        assert!(bytes.try_reserve_exact(1 << 44).is_err());
    }
}
