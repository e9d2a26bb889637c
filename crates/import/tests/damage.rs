//! Damaged and hostile files: an error with the file or the right images, in bounded memory.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use common::{
    Random, csv, gzip, idx, images, npy, npy_u8, npz, picture, png, read, refused, write,
};
use flate2::Compression;
use flate2::write::GzEncoder;
use gan_import::{Options, read_set};
use image::{ExtendedColorType, ImageFormat};
use zip::CompressionMethod;

static USED: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

struct Recorder;

// SAFETY: every call is forwarded to the system allocator unchanged. `realloc` and
// `alloc_zeroed` are those of the trait, which call these two.
unsafe impl GlobalAlloc for Recorder {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        PEAK.fetch_max(USED.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: the caller satisfies the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        USED.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller satisfies the contract of `dealloc`.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Recorder = Recorder;

const MIB: usize = 1 << 20;

/// The most memory that `work` uses at a time, in bytes.
fn peak(work: impl FnOnce()) -> usize {
    let before = USED.load(Relaxed);
    PEAK.store(before, Relaxed);
    work();
    PEAK.load(Relaxed).saturating_sub(before)
}

/// A gzip file of `start` and so many zeros.
fn bomb(start: &[u8], zeros: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(start).unwrap();
    for _ in 0..zeros / MIB {
        encoder.write_all(&vec![0; MIB]).unwrap();
    }
    encoder.finish().unwrap()
}

/// A single test, because all tests of the process share the allocator.
#[test]
fn damaged_and_hostile_files_are_refused_in_bounded_memory() {
    bombs_are_refused_before_they_are_unpacked();
    mutations_are_an_error_with_the_file_or_the_right_images();
}

fn bombs_are_refused_before_they_are_unpacked() {
    let dir = tempfile::tempdir().unwrap();
    // Each unpacks to 300 MiB or more.
    let zeros = 300 * MIB;
    let huge = npy("|u1", "False", "(1, 100000, 60000)", &[]);
    let more = npy_u8(&images(2));
    let header = |n: u32| common::idx_array(8, &[n, 28, 28], &[]);
    let wide = common::idx_array(8, &[1 << 12, 1 << 10, 1 << 10], &[]);
    for (start, hint) in [
        (&huge, "too large"),
        (&more, "other bytes follow"),
        (&header(2), "other bytes follow"),
        (&wide, "1 GiB"),
    ] {
        let path = write(dir.path(), "bomb", &bomb(start, zeros));
        let used = peak(|| refused(read(&path), &path, &[hint]));
        assert!(used < 4 * MIB, "{used} bytes for {hint}");
    }
    let member = [&huge[..], &vec![0; zeros]].concat();
    let path = write(dir.path(), "bomb.npz", &npz(&[("x.npy", &member)]));
    drop(member);
    let used = peak(|| refused(read(&path), &path, &["too large"]));
    assert!(used < 4 * MIB, "{used} bytes");

    write(dir.path(), "set/train-images-idx3-ubyte", &idx(&images(2)));
    let labels = common::idx_array(8, &[300 << 20], &[]);
    let path = write(dir.path(), "set/train-labels-idx1-ubyte.gz", &bomb(&labels, zeros));
    let set = path.parent().unwrap();
    let used = peak(|| refused(read_set(set, &Options::default()), &path, &["2 images but"]));
    assert!(used < 4 * MIB, "{used} bytes for labels");
}

fn mutations_are_an_error_with_the_file_or_the_right_images() {
    let dir = tempfile::tempdir().unwrap();
    let good = images(3);
    let array = npy_u8(&good);
    let stored = common::zip(&[("x.npy", &array)], CompressionMethod::Stored);
    let smooth: Vec<u8> = (0..784).map(|i| (i / 28 * 9) as u8).collect();
    // Whether a checksum covers the pixels.
    let files = [
        ("a.npy", array.clone(), false),
        ("a.npz", npz(&[("x.npy", &array)]), true),
        ("b.npz", stored, true),
        ("a.csv", csv(&good, Some(&[1, 2, 3])), false),
        ("a.npy.gz", gzip(&array), true),
        ("a.idx3.gz", gzip(&idx(&good)), true),
        ("a.png", png(&smooth), true),
        ("a.jpg", picture(&smooth, ExtendedColorType::L8, ImageFormat::Jpeg), false),
    ];
    let mut random = Random(1);
    let mut outcomes = [0, 0];
    for round in 0..504 {
        let (name, whole, checked) = &files[round % files.len()];
        let mut bytes = whole.clone();
        let at = random.below(bytes.len());
        match random.below(5) {
            0 | 1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes.truncate(at),
            3 => {
                let end = bytes.len().min(at + 1 + random.below(64));
                bytes[at..end].fill(0);
            }
            _ => {
                let inserted = (0..=random.below(9)).map(|_| random.next() as u8);
                let inserted: Vec<u8> = inserted.collect();
                bytes.splice(at..at, inserted);
            }
        }
        let path = write(dir.path(), name, &bytes);
        let wanted = match name.starts_with("a.png") {
            true => mnist_io::Images::new(28, 28, smooth.clone()).unwrap(),
            false => good.clone(),
        };
        let used = peak(|| match read(&path) {
            Ok(samples) => {
                outcomes[0] += 1;
                let right = !checked || samples.images == wanted;
                assert!(right, "round {round}, {name}: other pixels");
            }
            Err(error) => {
                outcomes[1] += 1;
                let message = error.to_string();
                assert!(message.contains(path.to_str().unwrap()), "round {round}: {message}");
                assert!(message.lines().count() <= 3 && message.len() < 600, "{message}");
            }
        });
        assert!(used < 300 * MIB, "round {round}, {name}: {used} bytes");
    }
    // Both outcomes occur often.
    assert!(outcomes[0] > 50 && outcomes[1] > 250, "{outcomes:?}");
}
