//! The samples that `forger evaluate` measures: those of a run or of a file.

use std::path::Path;

use anyhow::{Context, Result};
use gan_cli::{EvaluateArgs, Paths};
use gan_import::{Options, Subset, pixel_warnings, read_samples};
use gan_trainer::RunSampler;
use mnist_io::Images;
use run_dir::RunDir;
use serde_json::{Value, json};

use crate::progress::Bar;
use crate::real_images::SIDES;
use crate::{import, output};

/// Generated images and their source.
pub struct EvaluatedSamples {
    /// u8 `[n, rows, cols]`.
    pub images: Images,
    /// The class requested for each image, for conditional networks.
    pub requested: Option<Vec<u8>>,
    /// Title in tables: `runs/0001-modern after 9000 steps, seed 1`.
    pub title: String,
    /// Fields in JSON.
    pub source: Value,
    /// The run that generated them, if any.
    pub run: Option<(RunDir, RunSampler)>,
}

impl EvaluatedSamples {
    /// The file of `--samples`, or samples of the run of `--run`. `bar` shows how many are
    /// generated.
    pub fn load(args: &EvaluateArgs, bar: &mut Bar) -> Result<EvaluatedSamples> {
        match &args.samples {
            Some(path) => from_file(path, args).context("--samples"),
            None => from_run(args, bar),
        }
    }
}

fn from_run(args: &EvaluateArgs, bar: &mut Bar) -> Result<EvaluatedSamples> {
    let root = Paths::from_env().run(args.run.as_deref());
    let run = RunDir::open(&root).context(
        "nothing to evaluate; train first with `cargo xtask train`, or name a file with --samples",
    )?;
    let run_sampler = RunSampler::open(&run)?;
    let sampler = &run_sampler.sampler;
    let images = bar.sample(sampler, args.seed, args.count, None)?;
    let (path, step, seed) = (run.root().display(), run_sampler.state.step, args.seed);
    Ok(EvaluatedSamples {
        images,
        requested: sampler.default_classes(args.count),
        title: format!("{path} after {step} steps, seed {seed}"),
        source: json!({ "run": path.to_string(), "step": step, "seed": seed }),
        run: Some((run, run_sampler)),
    })
}

/// A file or a folder of images in any format, or a random subset of them.
fn from_file(path: &Path, args: &EvaluateArgs) -> Result<EvaluatedSamples> {
    let options = Options { sides: SIDES.to_vec(), ..import::options(&args.pixels) };
    let subset = Subset { most: args.count as usize, seed: args.seed };
    let gan_import::Samples { images, total: of, summary: found } =
        read_samples(path, &options, subset)?;
    output::eprint_line(format_args!("samples: {found}"));
    for warning in pixel_warnings("the samples", &images) {
        output::eprint_line(format_args!("warning: {warning}"));
    }
    let name = path.display();
    let n = images.len();
    let chosen = match of > n {
        true => format!(", {n} of {of} at random, seed {}", args.seed),
        false => String::new(),
    };
    Ok(EvaluatedSamples {
        requested: None,
        title: format!("{name}{chosen}"),
        source: json!({ "file": name.to_string(), "of": of, "found": found }),
        run: None,
        images,
    })
}
