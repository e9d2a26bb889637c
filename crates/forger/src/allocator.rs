//! mimalloc as the allocator of the whole process, libtorch included. A training step allocates
//! and frees thousands of blocks. Only Linux with glibc uses it.

#![allow(unsafe_code)]

use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering};

use libc::{ENOMEM, c_int, c_void};
use libmimalloc_sys as mi;

/// `mi_option_purge_delay` in `mimalloc.h` of mimalloc 2, which the crate does not declare.
const PURGE_DELAY: mi::mi_option_t = 15;
// The numbers of the options belong to this number of options.
const _: () = assert!(mi::_mi_option_last == 38);

/// A purge delay that keeps freed memory in the process: the next step needs it again.
const NEVER: libc::c_long = -1;

/// The largest size of a block in bytes.
static MAX_BLOCK_BYTES: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Configures mimalloc for training; call it before other threads exist.
///
/// Sets the purge delay, unless `MIMALLOC_PURGE_DELAY` sets it, and refuses blocks larger
/// than the machine's memory. mimalloc only reserves addresses, so it could allocate such a
/// block. The kernel would kill the process when it uses the block.
pub fn set_up() {
    // SAFETY: stores a number in a valid option; no other thread reads it yet.
    unsafe { mi::mi_option_set_default(PURGE_DELAY, NEVER) };
    // SAFETY: both calls only read a number.
    let [pages, page] = [libc::_SC_PHYS_PAGES, libc::_SC_PAGESIZE]
        .map(|name| usize::try_from(unsafe { libc::sysconf(name) }).unwrap_or(0));
    if pages > 0 && page > 0 {
        MAX_BLOCK_BYTES.store(pages.saturating_mul(page), Ordering::Relaxed);
    }
}

fn too_large(size: usize) -> bool {
    size > MAX_BLOCK_BYTES.load(Ordering::Relaxed)
}

/// Exports C functions that return a block of `$size` bytes from a function of mimalloc, or
/// null with `ENOMEM` if the block is too large.
macro_rules! export {
    ($($name:ident($($arg:ident: $ty:ty),+), $size:expr => $mi:ident($($value:expr),+);)+) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($arg: $ty),+) -> *mut c_void {
            if too_large($size) {
                // SAFETY: the calling thread's own errno.
                unsafe { *libc::__errno_location() = ENOMEM };
                return null_mut();
            }
            // SAFETY: any size is valid; mimalloc checks alignments; a block of the caller
            // is from mimalloc, or null.
            unsafe { mi::$mi($($value),+) }
        }
    )+};
}

// The functions that glibc's manual names in "Replacing malloc". C++'s `new` calls them, and
// throws an exception if they return null.
export! {
    malloc(size: usize), size => mi_malloc(size);
    calloc(count: usize, size: usize), count.saturating_mul(size) => mi_calloc(count, size);
    realloc(block: *mut c_void, size: usize), size => mi_realloc(block, size);
    aligned_alloc(alignment: usize, size: usize), size => mi_malloc_aligned(size, alignment);
    memalign(alignment: usize, size: usize), size => mi_malloc_aligned(size, alignment);
    valloc(size: usize), size => mi_malloc_aligned(size, PAGE);
    pvalloc(size: usize), whole_pages(size) => mi_malloc_aligned(whole_pages(size), PAGE);
}

/// At least the size of a page of any machine.
const PAGE: usize = 1 << 16;

fn whole_pages(size: usize) -> usize {
    size.checked_next_multiple_of(PAGE).unwrap_or(usize::MAX)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn posix_memalign(
    block: *mut *mut c_void,
    alignment: usize,
    size: usize,
) -> c_int {
    if too_large(size) {
        return ENOMEM;
    }
    // SAFETY: the caller's pointer is valid for a write; mimalloc checks alignments.
    unsafe { mi::mi_posix_memalign(block, alignment, size) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn free(block: *mut c_void) {
    // SAFETY: the caller's block is from mimalloc, or null.
    unsafe { mi::mi_free(block) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn malloc_usable_size(block: *mut c_void) -> usize {
    // SAFETY: the caller's block is from mimalloc, or null.
    unsafe { mi::mi_usable_size(block) }
}

#[cfg(test)]
mod tests {
    use libmimalloc_sys::{mi_is_in_heap_region, mi_option_get};
    use tch::{Device, Kind, Tensor};

    use super::*;

    #[test]
    fn blocks_of_rust_c_and_libtorch_are_from_mimalloc() {
        let tensor = Tensor::zeros([1000, 1000], (Kind::Float, Device::Cpu));
        let boxed = Box::new([1u8; 100]);
        // SAFETY: reads where the blocks are; the C block is freed once.
        unsafe {
            let from_c = libc::malloc(100);
            assert!(mi_is_in_heap_region(from_c));
            libc::free(from_c);
            assert!(mi_is_in_heap_region(tensor.data_ptr()));
            assert!(mi_is_in_heap_region(std::ptr::from_ref(&*boxed).cast()));
        }
    }

    #[test]
    fn freed_memory_stays_in_the_process() {
        set_up();
        // SAFETY: reads a number.
        let delay = unsafe { mi_option_get(PURGE_DELAY) };
        match std::env::var_os("MIMALLOC_PURGE_DELAY") {
            None => assert_eq!(delay, NEVER),
            Some(_) => assert_ne!(delay, 10, "the user's value, not the default"),
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
