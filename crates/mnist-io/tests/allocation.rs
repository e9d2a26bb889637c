//! No allocation is sized by an unchecked header, as an allocator that keeps
//! the largest request sees it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use common::{Random, gzip, u8_file};
use mnist_io::{Error, Idx};

static LARGEST: AtomicUsize = AtomicUsize::new(0);

struct Watched;

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Relaxed);
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Relaxed);
        // SAFETY: the caller keeps `alloc_zeroed`'s contract.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.fetch_max(size, Relaxed);
        // SAFETY: the caller keeps `realloc`'s contract.
        unsafe { System.realloc(ptr, layout, size) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps `dealloc`'s contract.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// The largest single allocation that `read` makes, in bytes.
fn largest(read: impl FnOnce()) -> usize {
    LARGEST.store(0, Relaxed);
    read();
    LARGEST.load(Relaxed)
}

/// One test, because the allocator is the whole process's.
#[test]
fn memory_follows_the_bytes_that_arrive() {
    const MIB: usize = 1 << 20;
    let claims_4_gib = u8_file(&[1 << 10, 1 << 11, 1 << 11], &[]);
    let refused = |source: &[u8]| {
        let error = Idx::read(source).unwrap_err();
        assert!(matches!(error, Error::TruncatedData { .. }), "{error:?}");
    };
    assert!(largest(|| refused(&claims_4_gib)) <= MIB);
    let packed = gzip(&claims_4_gib);
    assert!(largest(|| refused(&packed)) <= MIB);

    // 3 MiB of the 4 GiB arrive: at most twice that is set aside.
    let some = [&claims_4_gib[..], &[0; 3 * MIB]].concat();
    assert!(largest(|| refused(&some)) <= 6 * MIB);

    // Whatever shape a few bytes claim, 1 MiB is the most.
    let mut random = Random(8);
    for _ in 0..1000 {
        let shape: Vec<u32> = (0..=random.up_to(3))
            .map(|_| random.next() as u32)
            .collect();
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

    // A file of the right length is read into one allocation of its size.
    std::fs::write(&path, u8_file(&[3, MIB as u32], &vec![1; 3 * MIB])).unwrap();
    assert_eq!(largest(|| assert!(Idx::read_file(&path).is_ok())), 3 * MIB);
}
