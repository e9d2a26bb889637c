//! `forger sample`: images from a trained run, as a picture or an IDX file.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use gan_cli::{Paths, SampleArgs};
use gan_trainer::RunSampler;
use run_dir::RunDir;

use crate::progress::Bar;
use crate::{machine, output};

/// Runs the command.
pub fn run(args: &SampleArgs) -> Result<ExitCode> {
    let picture = match args.out.extension().and_then(|e| e.to_str()) {
        Some("png") => true,
        Some("idx3" | "idx" | "idx3-ubyte") => false,
        _ => bail!("--out {}: the name must end in .png or .idx3", args.out.display()),
    };
    machine::set_threads(args.threads)?;
    let run = RunDir::open(&Paths::from_env().run(args.run.as_deref()))
        .context("nothing to sample from; train first with `cargo xtask train`")?;
    let RunSampler { config, sampler, .. } = RunSampler::open(&run)?;
    if args.digit.is_some() && !sampler.generator().conditional() {
        bail!(
            "--digit: the generator of {} takes no digit; train golbin-conditional, or modern with \
             --conditional, to choose one",
            config.preset
        );
    }
    let mut bar = Bar::new();
    let images = bar.sample(&sampler, args.seed, args.count, args.digit)?;
    bar.finish();
    if picture {
        let columns = (args.count as f64).sqrt().ceil() as usize;
        gan_viz::grid(&images, columns, &gan_viz::GridStyle::default())?.write_png(&args.out)?;
    } else {
        images.write_file(&args.out)?;
    }
    output::line(args.out.display())?;
    Ok(ExitCode::SUCCESS)
}
