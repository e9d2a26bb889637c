//! `forger sample`: images from a trained run, as a picture, an IDX file or a NumPy file.

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Error, Result};
use gan_cli::error::user_error;
use gan_cli::{Paths, SampleArgs, SampleFile, SampleFormat};
use gan_trainer::{RandomStream, RunSampler, Sampler};
use gan_viz::{Canvas, GridStyle, grid_size, square_columns, thousands};
use mnist_io::Images;
use run_dir::{RunDir, write_atomic};

use crate::progress::Bar;
use crate::sample_files::{write_npy, write_npz};
use crate::signals::Signals;
use crate::{output, threads};

/// Runs the command.
pub fn run(args: &SampleArgs) -> Result<ExitCode> {
    args.check()?;
    threads::set(args.threads)?;
    let run = RunDir::open(&Paths::from_env().run(args.run.as_deref()))
        .context("nothing to sample from; train first with `cargo xtask train`")?;
    let RunSampler { config, sampler, .. } = RunSampler::open(&run)?;
    let class = args.class.choose(&config.preset, sampler.classes())?;
    let out = args.out.clone().unwrap_or_else(|| next_picture(&run));
    let signals = Signals::listen().context("cannot listen for Ctrl-C")?;
    match write(args, &sampler, class, &out, &signals) {
        Err(error) if signals.received() && is_interrupted(&error) => {
            output::eprint_line("stopped; no file was written");
            return Ok(ExitCode::from(signals.exit_code()));
        }
        written => written?,
    }
    output::print_line(out.path.display())?;
    Ok(ExitCode::SUCCESS)
}

/// Whether a signal ended the generation of images.
fn is_interrupted(error: &Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|cause| cause.kind() == io::ErrorKind::Interrupted)
}

/// `samples-0001.png` in the run's folder, or the first number that is free.
fn next_picture(run: &RunDir) -> SampleFile {
    let mut number = 1;
    let path = loop {
        let path = run.root().join(format!("samples-{number:04}.png"));
        if path.symlink_metadata().is_err() {
            break path;
        }
        number += 1;
    };
    SampleFile { path, format: SampleFormat::Picture }
}

/// Generates the images and writes them. After an error or a signal there is no file.
fn write(
    args: &SampleArgs,
    sampler: &Sampler,
    class: Option<u8>,
    out: &SampleFile,
    signals: &Signals,
) -> Result<()> {
    let count = args.count();
    let side = sampler.generator().image_side() as usize;
    let style = GridStyle {
        scale: args.scale.map_or(GridStyle::default().scale, |scale| scale as usize),
        ..GridStyle::default()
    };
    let columns = args.grid.map_or_else(|| square_columns(count as usize), |[_, columns]| columns);
    if out.format == SampleFormat::Picture {
        grid_size(count as usize, (side, side), columns, &style)
            .map_err(|_| too_large(&out.path, count, side, columns, &style))?;
    }

    let mut bar = Bar::new();
    let (started, mut done) = (Instant::now(), 0);
    let parts = sampler.chunks((args.seed, RandomStream::Sample), count, class)?.map(|part| {
        if signals.received() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let part = part.map_err(io::Error::other)?.pixels().to_vec();
        done += (part.len() / (side * side)) as u64;
        bar.show_generated(started, done, count);
        Ok(part)
    });
    let shape = [count as usize, side, side];
    match out.format {
        SampleFormat::Idx => mnist_io::write_parts(&out.path, &shape, parts)?,
        SampleFormat::Npy => write_atomic(&out.path, |w| write_npy(shape, parts, w))?,
        SampleFormat::Npz => write_atomic(&out.path, |w| write_npz(shape, parts, w))?,
        SampleFormat::Picture => {
            let pixels = parts.collect::<io::Result<Vec<_>>>()?.concat();
            let images = Images::new(side, side, pixels)?;
            gan_viz::grid(&images, columns, &style)?.write_png(&out.path)?;
        }
    }
    bar.finish();
    Ok(())
}

/// The error for a picture that would be too large, with one that is not.
fn too_large(out: &Path, count: u64, side: usize, columns: usize, style: &GridStyle) -> Error {
    // `most * most` images fit at `scale`.
    let most =
        |scale: usize| (Canvas::MAX_PIXELS.isqrt() - 2 * style.margin) / (side * scale + style.gap);
    let fits = most(style.scale).pow(2);
    let scale = match (1..style.scale).rev().find(|&scale| most(scale).pow(2) >= count as usize) {
        Some(scale) => format!("--scale {scale}, "),
        None => String::new(),
    };
    let columns = columns.min(count as usize);
    user_error(
        format!(
            "--out {}: {} images in {} columns are more than the {} million pixels of the largest \
             picture",
            out.display(),
            thousands(count),
            thousands(columns as u64),
            Canvas::MAX_PIXELS / 1_000_000,
        ),
        format!(
            "write {scale}--count {fits} or less, a smaller --grid, or an IDX file: --out {}",
            out.with_extension("idx3").display()
        ),
    )
}
