//! Reads as many images as MNIST's training set, and copies their bytes for
//! comparison.

#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mnist_io::{Idx, Images};

/// The shape of MNIST's training set.
const SHAPE: (usize, usize, usize) = (60_000, 28, 28);

/// Images of noise with four fifths black pixels, as in handwriting.
fn images() -> Images {
    let (n, rows, cols) = SHAPE;
    let mut state = 1u32;
    let pixels = (0..n * rows * cols)
        .map(|_| {
            // Marsaglia's xorshift.
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            if state.is_multiple_of(5) { (state >> 24) as u8 } else { 0 }
        })
        .collect();
    Images::new(rows, cols, pixels).unwrap()
}

fn training_set(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("train-images-idx3-ubyte");
    let images = images();
    images.write_file(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let mut packed = Vec::new();
    Idx::from(images).write_gzip(&mut packed).unwrap();

    let mut group = criterion.benchmark_group("IDX, the training set");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    let mut ready = vec![0; bytes.len()];
    group.bench_function("1 bytes copied into memory in use", |b| {
        b.iter(|| black_box(&mut ready).copy_from_slice(black_box(&bytes)));
    });
    group.bench_function("2 bytes copied into new memory", |b| {
        b.iter(|| black_box(&bytes).clone());
    });
    group.bench_function("3 parsed from memory", |b| {
        b.iter(|| Idx::read(black_box(&bytes[..])).unwrap());
    });
    group.bench_function("4 bytes of the file read", |b| {
        b.iter(|| std::fs::read(black_box(&path)).unwrap());
    });
    group.bench_function("5 images read from the file", |b| {
        b.iter(|| Images::read_file(black_box(&path)).unwrap());
    });
    group.sample_size(10);
    group.bench_function("6 parsed from gzip in memory", |b| {
        b.iter(|| Idx::read(black_box(&packed[..])).unwrap());
    });
    group.finish();
}

criterion_group!(idx, training_set);
criterion_main!(idx);
