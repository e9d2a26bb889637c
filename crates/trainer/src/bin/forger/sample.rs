//! `forger sample`: digits from a trained run, as a picture or an IDX file.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use gan_trainer::checkpoint;
use gan_trainer::game::sample;
use gan_trainer::seeds::{Stream, seed_torch};
use gan_trainer::settings::Settings;
use gan_trainer::snapshots::digits_in_turn;
use mnist_io::Images;
use run_dir::RunDir;
use tch::{Device, Kind, Tensor};

use crate::args::SampleArgs;
use crate::machine;

/// Digits made at a time: what a digit needs on its way through G is many times
/// what is kept of it.
const CHUNK: u64 = 500;

/// Runs the command.
pub fn run(args: &SampleArgs) -> Result<ExitCode> {
    let picture = match args.out.extension().and_then(|e| e.to_str()) {
        Some("png") => true,
        Some("idx3" | "idx" | "idx3-ubyte") => false,
        _ => bail!(
            "--out {}: the name must end in .png or .idx3",
            args.out.display()
        ),
    };
    if args.count == 0 || args.count > 10_000_000 {
        bail!(
            "--count {}: it must be between 1 and 10,000,000",
            args.count
        );
    }
    machine::set_threads(args.threads)?;
    let run = RunDir::open(&args.run)
        .context("nothing to sample from; train first with `cargo xtask train`")?;
    let config = run.config()?;
    let settings: Settings = config
        .train
        .try_into()
        .with_context(|| format!("{}", run.config_path().display()))?;
    let Some((_, folder)) = run.newest_checkpoint()? else {
        bail!("{} holds no checkpoint yet", run.root().display());
    };
    if settings.network.draws_originals() {
        bail!(
            "{} forges numbers, not images; its run shows them in figures/densities.svg",
            config.preset
        );
    }
    let pair = settings.network.build(None);
    let generator = pair.generator.as_ref();
    if args.digit.is_some() && !generator.conditional() {
        bail!(
            "--digit: {} forges whatever its latents say; train golbin-conditional, or modern with --conditional, to choose",
            config.preset
        );
    }
    let parameters = checkpoint::load(
        &folder.join(checkpoint::SAMPLING),
        generator.layout(),
        Device::Cpu,
    )?;
    let kind = match config.precision.as_str() {
        "bf16" => Kind::BFloat16,
        _ => Kind::Float,
    };

    // Where the images of a batch influence each other, batches are as large as
    // in training, and what is too much of the last one is thrown away.
    let chunk = if generator.mixes_batch() {
        config.batch.max(1)
    } else {
        CHUNK.min(args.count)
    };
    let mut pixels = Vec::new();
    let mut size = (0, 0);
    for part in 0..args.count.div_ceil(chunk) {
        seed_torch(args.seed, Stream::Sample, part);
        let count = if generator.mixes_batch() {
            chunk
        } else {
            chunk.min(args.count - part * chunk)
        };
        let latents = generator.latent().sample(count as i64, Device::Cpu);
        let digits = match args.digit {
            Some(digit) => {
                Tensor::full([count as i64], i64::from(digit), (Kind::Int64, Device::Cpu))
            }
            None => digits_in_turn(count as i64, Device::Cpu),
        };
        let images = sample(generator, &parameters, &latents, &digits, pair.range, kind)?;
        size = (images.rows(), images.cols());
        pixels.extend_from_slice(images.pixels());
    }
    pixels.truncate(args.count as usize * size.0 * size.1);
    let images = Images::new(size.0, size.1, pixels)?;
    if picture {
        let columns = (args.count as f64).sqrt().ceil() as usize;
        gan_viz::grid(&images, columns, &gan_viz::GridStyle::default())?.write_png(&args.out)?;
    } else {
        images.write_file(&args.out)?;
    }
    println!("{}", args.out.display());
    Ok(ExitCode::SUCCESS)
}
