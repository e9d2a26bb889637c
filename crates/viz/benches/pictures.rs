//! Draws grids and encodes them as PNG and GIF.

#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gan_viz::{Canvas, GridStyle, Timing, grid, square_columns, write_gif};
use mnist_io::Images;

/// Images in a snapshot, and in a large grid.
const COUNTS: [usize; 2] = [64, 10_000];
/// Frames of an animation.
const FRAMES: usize = 30;

/// `n` gray discs of several sizes, with about as many bright pixels as digits.
fn discs(n: usize, step: usize) -> Images {
    let pixels = (0..n * 784).map(|i| {
        let (image, y, x) = (i / 784, i / 28 % 28, i % 28);
        let radius = 4 + (image + step) % 7;
        let distance = y.abs_diff(14).pow(2) + x.abs_diff(14).pow(2);
        let inside = (radius * radius).saturating_sub(distance);
        (inside * 12).min(255) as u8
    });
    Images::new(28, 28, pixels.collect()).unwrap()
}

fn draw(images: &Images) -> Canvas {
    let columns = square_columns(images.len());
    grid(images, columns, &GridStyle::default()).unwrap()
}

fn stills(criterion: &mut Criterion) {
    for count in COUNTS {
        let images = discs(count, 0);
        let canvas = draw(&images);
        let mut group = criterion.benchmark_group(format!("a grid of {count}"));
        group.throughput(Throughput::Bytes(canvas.pixels().len() as u64));
        if count > 1000 {
            group.sample_size(10);
        }
        group.bench_function("laid out", |b| b.iter(|| draw(black_box(&images))));
        group.bench_function("encoded as PNG", |b| {
            b.iter(|| {
                let mut file = Vec::new();
                black_box(&canvas).encode_png(&mut file).unwrap();
                file
            });
        });
        group.finish();
    }
}

fn animations(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let frames: Vec<Canvas> = (0..FRAMES).map(|step| draw(&discs(COUNTS[0], step))).collect();
    let timing = Timing::for_frames(FRAMES);
    let pixels: usize = frames.iter().map(|frame| frame.pixels().len()).sum();
    let mut group = criterion.benchmark_group(format!("{FRAMES} grids of {}", COUNTS[0]));
    group.throughput(Throughput::Bytes(pixels as u64));
    group.sample_size(10);
    group.bench_function("written as GIF", |b| {
        let path = dir.path().join("animation.gif");
        b.iter(|| write_gif(&path, black_box(&frames), timing).unwrap());
    });
    group.finish();
}

criterion_group!(pictures, stills, animations);
criterion_main!(pictures);
