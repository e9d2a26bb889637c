//! The forgeries that `forger evaluate` measures: of a run or of a file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use gan_cli::Paths;
use gan_trainer::numpy;
use gan_trainer::{RunSampler, Stream, digit_of};
use mnist_io::Images;
use run_dir::RunDir;
use serde_json::{Value, json};

use crate::args::EvaluateArgs;
use crate::progress::{Bar, show_sampling};

/// Forgeries, and where they come from.
pub struct Subject {
    /// Themselves.
    pub images: Images,
    /// The digits that they were asked to be, where they were.
    pub asked: Option<Vec<u8>>,
    /// For people: `runs/0001-modern after 9000 steps, seed 1`.
    pub title: String,
    /// For programs: the members of an object.
    pub source: Value,
    /// Whose forgeries they are, where they are a run's.
    pub run: Option<(RunDir, RunSampler)>,
}

impl Subject {
    /// The forgeries that the user names, or those of the newest run; `bar` shows
    /// how many are made.
    pub fn find(args: &EvaluateArgs, bar: &mut Bar) -> Result<Subject> {
        match &args.samples {
            Some(path) => of_file(path, args.count as usize)
                .with_context(|| format!("--samples {}", path.display())),
            None => of_run(args, bar),
        }
    }
}

fn of_run(args: &EvaluateArgs, bar: &mut Bar) -> Result<Subject> {
    let root = Paths::from_env().run(args.run.as_deref());
    let run = RunDir::open(&root).context(
        "nothing to evaluate; train first with `cargo xtask train`, or name a file with --samples",
    )?;
    let forger = RunSampler::open(&run)?;
    let mut show = show_sampling(bar, args.count);
    let images = forger
        .sampler
        .sample((args.seed, Stream::Sample), args.count, None, &mut show)?;
    let asked = (0..args.count).map(|i| digit_of(i) as u8);
    let (path, step, seed) = (run.root().display(), forger.state.step, args.seed);
    Ok(Subject {
        images,
        asked: forger
            .sampler
            .generator()
            .conditional()
            .then(|| asked.collect()),
        title: format!("{path} after {step} steps, seed {seed}"),
        source: json!({ "run": path.to_string(), "step": step, "seed": seed }),
        run: Some((run, forger)),
    })
}

/// The first `most` images of the file.
fn of_file(path: &Path, most: usize) -> Result<Subject> {
    let mut start = Vec::new();
    File::open(path)?.take(8).read_to_end(&mut start)?;
    if start.is_empty() {
        bail!("it is empty");
    }
    let named = path.extension().and_then(|e| e.to_str());
    let (images, of) = if numpy::is_numpy(&start) || matches!(named, Some("npy" | "npz")) {
        numpy::read_images(path, most)?
    } else {
        let all = Images::read_file(path).context("it is no NumPy file either")?;
        let of = all.len() as u64;
        let first: Vec<usize> = (0..all.len().min(most)).collect();
        (all.select(&first).unwrap_or(all), of)
    };
    if images.is_empty() {
        bail!("it holds no images");
    }
    let (rows, cols) = (images.rows(), images.cols());
    if (rows, cols) != (28, 28) {
        bail!(
            "its images are {rows}x{cols}, but 28x28 are compared: bring them to that size first"
        );
    }
    let taken = if of > images.len() as u64 {
        format!(", the first {} of {of}", images.len())
    } else {
        String::new()
    };
    Ok(Subject {
        asked: None,
        title: format!("{}{taken}", path.display()),
        source: json!({ "samples": path.display().to_string(), "of": of }),
        run: None,
        images,
    })
}
