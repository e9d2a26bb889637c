//! Tests that no allocation trusts the sizes of a header, with an allocator that
//! records the largest request.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use common::{Random, gzip, u8_file};
use mnist_io::{Error, Idx};

static LARGEST: AtomicUsize = AtomicUsize::new(0);

struct Recorder;

// SAFETY: every call is forwarded to the system allocator unchanged.
unsafe impl GlobalAlloc for Recorder {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Relaxed);
        // SAFETY: the caller satisfies the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Relaxed);
        // SAFETY: the caller satisfies the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.fetch_max(size, Relaxed);
        // SAFETY: the caller satisfies the contract of `realloc`.
        unsafe { System.realloc(ptr, layout, size) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller satisfies the contract of `dealloc`.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Recorder = Recorder;

/// Returns the largest single allocation of `read`, in bytes.
fn largest(read: impl FnOnce()) -> usize {
    LARGEST.store(0, Relaxed);
    read();
    LARGEST.load(Relaxed)
}

/// A single test, because all tests of the process share the allocator.
#[test]
fn memory_grows_with_the_bytes_that_arrive() {
    const MIB: usize = 1 << 20;
    let claims_4_gib = u8_file(&[1 << 10, 1 << 11, 1 << 11], &[]);
    let refused = |source: &[u8]| {
        let error = Idx::read(source).unwrap_err();
        assert!(matches!(error, Error::TruncatedData { .. }), "{error:?}");
    };
    assert!(largest(|| refused(&claims_4_gib)) <= MIB);
    let packed = gzip(&claims_4_gib);
    assert!(largest(|| refused(&packed)) <= MIB);

    // 3 MiB of the 4 GiB arrive: at most twice as much is allocated.
    let some = [&claims_4_gib[..], &[0; 3 * MIB]].concat();
    assert!(largest(|| refused(&some)) <= 6 * MIB);

    // A few bytes with any shape allocate at most 1 MiB.
    let mut random = Random(8);
    for _ in 0..1000 {
        let shape: Vec<u32> = (0..=random.up_to(3)).map(|_| random.next() as u32).collect();
        let mut file = u8_file(&shape, &[0; 100]);
        file[2] = [8, 9, 11, 12, 13, 14][random.up_to(5) as usize];
        for source in [gzip(&file), file] {
            assert!(largest(|| assert!(Idx::read(&source[..]).is_err())) <= MIB);
        }
    }

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("array");
    std::fs::write(&path, &claims_4_gib).unwrap();
    assert!(largest(|| assert!(Idx::read_file(&path).is_err())) <= 64 * 1024);

    // A file of the right length needs one allocation of its size.
    std::fs::write(&path, u8_file(&[3, MIB as u32], &vec![1; 3 * MIB])).unwrap();
    assert_eq!(largest(|| assert!(Idx::read_file(&path).is_ok())), 3 * MIB);
}
