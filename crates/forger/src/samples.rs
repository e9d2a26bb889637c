//! The samples that `forger evaluate` measures: those of a run or of a file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use gan_cli::{EvaluateArgs, Paths};
use gan_trainer::{RunSampler, digit_of};
use mnist_io::Images;
use run_dir::RunDir;
use serde_json::{Value, json};

use crate::numpy;
use crate::progress::Bar;

/// Generated images and their source.
pub struct Samples {
    /// u8 `[n, rows, cols]`.
    pub images: Images,
    /// The digit requested for each image, for conditional networks.
    pub requested: Option<Vec<u8>>,
    /// Title in tables: `runs/0001-modern after 9000 steps, seed 1`.
    pub title: String,
    /// Fields in JSON.
    pub source: Value,
    /// The run that generated them, if any.
    pub run: Option<(RunDir, RunSampler)>,
}

impl Samples {
    /// The file of `--samples`, or samples of the run of `--run`. `bar` shows how many are
    /// generated.
    pub fn load(args: &EvaluateArgs, bar: &mut Bar) -> Result<Samples> {
        match &args.samples {
            Some(path) => from_file(path, args.count as usize).context("--samples"),
            None => from_run(args, bar),
        }
    }
}

fn from_run(args: &EvaluateArgs, bar: &mut Bar) -> Result<Samples> {
    let root = Paths::from_env().run(args.run.as_deref());
    let run = RunDir::open(&root).context(
        "nothing to evaluate; train first with `cargo xtask train`, or name a file with --samples",
    )?;
    let run_sampler = RunSampler::open(&run)?;
    let sampler = &run_sampler.sampler;
    let images = bar.sample(sampler, args.seed, args.count, None)?;
    let requested = (0..args.count).map(|i| digit_of(i) as u8);
    let conditional = sampler.generator().conditional();
    let (path, step, seed) = (run.root().display(), run_sampler.state.step, args.seed);
    Ok(Samples {
        images,
        requested: conditional.then(|| requested.collect()),
        title: format!("{path} after {step} steps, seed {seed}"),
        source: json!({ "run": path.to_string(), "step": step, "seed": seed }),
        run: Some((run, run_sampler)),
    })
}

/// The first `limit` images of an IDX or NumPy file.
fn from_file(path: &Path, limit: usize) -> Result<Samples> {
    let name = path.display();
    let mut start = Vec::new();
    File::open(path)
        .and_then(|file| file.take(8).read_to_end(&mut start))
        .with_context(|| name.to_string())?;
    if start.is_empty() {
        bail!("{name} is empty");
    }
    let extension = path.extension().and_then(|e| e.to_str());
    let (images, of) = if numpy::is_numpy(&start) || matches!(extension, Some("npy" | "npz")) {
        numpy::read_images(path, limit)?
    } else {
        let all =
            Images::read_file(path).with_context(|| format!("{name} is no NumPy file either"))?;
        let of = all.len() as u64;
        let first: Vec<usize> = (0..all.len().min(limit)).collect();
        (all.select(&first).unwrap_or(all), of)
    };
    if images.is_empty() {
        bail!("{name} holds no images");
    }
    let (n, rows, cols) = (images.len(), images.rows(), images.cols());
    if (rows, cols) != (28, 28) {
        bail!("{name}: the images are {rows}x{cols}, but 28x28 are compared; resize them first");
    }
    let first = match of > n as u64 {
        true => format!(", the first {n} of {of}"),
        false => String::new(),
    };
    Ok(Samples {
        requested: None,
        title: format!("{name}{first}"),
        source: json!({ "file": name.to_string(), "of": of }),
        run: None,
        images,
    })
}
