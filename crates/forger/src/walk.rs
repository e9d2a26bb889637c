//! `forger walk`: an animation from the images of one seed to those of the next.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use gan_cli::{Paths, WalkArgs};
use gan_trainer::{RandomStream, RunSampler, Sampler, seed_torch};
use gan_viz::{Canvas, GridStyle, Timing, grid, square_columns, write_gif};
use run_dir::RunDir;
use tch::Tensor;

use crate::{output, threads};

/// Frames from one seed to the next.
const FRAMES: i64 = 24;
/// Hundredths of a second for each frame.
const TIMING: Timing = Timing { frame_centiseconds: 6, last_centiseconds: 6 };

/// Runs the command.
pub fn run(args: &WalkArgs) -> Result<ExitCode> {
    threads::set(args.threads)?;
    let run = RunDir::open(&Paths::from_env().run(args.run.as_deref()))
        .context("nothing to animate; train first with `cargo xtask train`")?;
    let RunSampler { config, sampler, .. } = RunSampler::open(&run)?;
    let class = args.class.choose(&config.preset, sampler.classes())?;
    let path = args.out.clone().unwrap_or_else(|| run.root().join("walk.gif"));
    let images = args.images as usize;
    let frames = walk(&sampler, &args.seeds, args.images.cast_signed(), class)?;
    let draw =
        |frame: &mnist_io::Images| grid(frame, square_columns(images), &GridStyle::default());
    let frames = frames.iter().map(draw).collect::<Result<Vec<Canvas>, _>>()?;
    write_gif(&path, &frames, TIMING)?;
    output::print_line(path.display())?;
    Ok(ExitCode::SUCCESS)
}

/// Frames of `n` images each, from the latents of each seed to those of the next and back
/// to the first.
fn walk(
    sampler: &Sampler,
    seeds: &[u64],
    n: i64,
    class: Option<u8>,
) -> Result<Vec<mnist_io::Images>> {
    let (latent, device) = (sampler.generator().latent(), sampler.device());
    let mut points = seeds.iter().map(|&seed| {
        seed_torch(seed, RandomStream::Sample, 0);
        latent.sample(n, device)
    });
    let Some(first) = points.next() else { bail!("--seeds names no seed") };
    // As in other walks, an image stays in its cluster: between clusters there are no latents.
    let points: Vec<Tensor> = points.map(|to| latent.with_clusters_of(to, &first)).collect();
    let mut steps = Vec::new();
    let mut from = &first;
    for to in points.iter().chain([&first]) {
        for step in 0..FRAMES {
            let share = step as f64 / FRAMES as f64;
            steps.push(from.lerp(to, share));
        }
        from = to;
    }
    let labels = sampler.labels(0..n.cast_unsigned(), class);
    // Batch statistics must not change from frame to frame, so such networks compute all
    // frames at once.
    let together = if sampler.generator().uses_batch_statistics() { steps.len() } else { 1 };
    let mut frames = Vec::with_capacity(steps.len());
    for part in steps.chunks(together) {
        let labels = labels.repeat([part.len() as i64]);
        let images = sampler.generate(&Tensor::cat(part, 0), &labels)?;
        let size = images.rows() * images.cols() * n as usize;
        for frame in images.pixels().chunks(size) {
            frames.push(mnist_io::Images::new(images.rows(), images.cols(), frame.to_vec())?);
        }
    }
    Ok(frames)
}
