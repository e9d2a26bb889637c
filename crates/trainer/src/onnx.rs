//! Exports the networks of a GAN as ONNX graphs.

use std::time::{Duration, Instant};

use gan_graph::Graph;
use gan_models::{Calibration, ExportError, Mode};
use run_dir::RunDir;
use tch::{Tensor, no_grad};

use crate::Error;
use crate::gan::Gan;
use crate::losses::Threshold;
use crate::seeds::{RandomStream, seed_torch};

/// Samples that define the constant batch statistics of exported networks.
pub const CALIBRATION_SAMPLES: u64 = 1000;

/// The note on the license in the metadata of each graph.
const LICENSE: &str = "the weights belong to whoever trained them; this file adds no license";

/// Both networks of a GAN as graphs.
#[derive(Debug, Clone, PartialEq)]
pub struct OnnxGraphs {
    /// From `latent` to `image`, with the averaged weights if there are any.
    pub generator: Graph,
    /// From `image` to `logit`.
    pub discriminator: Graph,
}

impl OnnxGraphs {
    /// The graphs of `gan` after `step` steps of a run of `preset` with this `seed`.
    ///
    /// Weights are f32, and those of D are normalized if training normalizes them.
    /// Dropout is inactive. Networks with batch statistics use those of
    /// [`CALIBRATION_SAMPLES`] samples, see [`calibration`].
    ///
    /// # Errors
    /// [`Error::Export`] if a network has no description as a graph, or if libtorch
    /// fails.
    pub fn new(gan: &Gan, preset: &str, seed: u64, step: u64) -> Result<OnnxGraphs, Error> {
        no_grad(|| {
            let (g, d) = (&gan.generator.network, &gan.discriminator.network);
            let [g_flat, d_flat] = gan.inference_parameters();
            let (g_weights, d_weights) = (g.layout().weights(&g_flat), d.layout().weights(&d_flat));
            let (latents, labels) = calibration(gan, seed);
            let labels = Some(&labels);
            let calibration_batch = Calibration { input: &latents, labels };
            let mut generator = g.to_graph(&g_weights, Some(calibration_batch))?;
            let images = d
                .uses_batch_statistics()
                .then(|| g.forward(&g_weights, &latents, labels, Mode::Eval));
            let calibration_batch = images.as_ref().map(|input| Calibration { input, labels });
            let mut discriminator = d.to_graph(g.image_side(), &d_weights, calibration_batch)?;
            let weights = if gan.ema.is_some() { "averaged" } else { "trained" };
            add_metadata(&mut generator, preset, step, weights, g.uses_batch_statistics());
            add_metadata(&mut discriminator, preset, step, "trained", d.uses_batch_statistics());
            if let Threshold::Fixed(logit) = gan.objective.loss.threshold {
                discriminator.metadata.push(("real_above".to_owned(), logit.to_string()));
            }
            Ok(OnnxGraphs { generator, discriminator })
        })
    }

    /// Writes `generator.onnx` and `discriminator.onnx` into the run's folder.
    ///
    /// # Errors
    /// [`Error::Run`] if a file cannot be written.
    pub fn write(&self, run: &RunDir) -> Result<(), Error> {
        for (graph, path) in [
            (&self.generator, run.generator_graph_path()),
            (&self.discriminator, run.discriminator_graph_path()),
        ] {
            run.save(&path, &graph.to_onnx())?;
        }
        Ok(())
    }
}

/// The latents f32 `[1000, dim]` and labels i64 `[1000]` that define the batch-norm statistics
/// of exported networks, a function of `seed`. D's statistics come from the images that G
/// generates from them.
pub fn calibration(gan: &Gan, seed: u64) -> (Tensor, Tensor) {
    seed_torch(seed, RandomStream::Export, 0);
    let latents = gan.latents(CALIBRATION_SAMPLES.cast_signed());
    (latents, gan.sampler().labels(0..CALIBRATION_SAMPLES, None))
}

/// Adds metadata that every graph has.
fn add_metadata(graph: &mut Graph, preset: &str, step: u64, weights: &str, fixed: bool) {
    let mut add = |key: &str, value: String| graph.metadata.push((key.to_owned(), value));
    add("preset", preset.to_owned());
    add("step", step.to_string());
    add("weights", weights.to_owned());
    if fixed {
        let text = format!("batch statistics are fixed: those of {CALIBRATION_SAMPLES} samples");
        add("normalization", text);
    }
    add("license", LICENSE.to_owned());
}

/// Writes the graphs of a run in training. Exports take at most a fiftieth of the time.
#[derive(Debug)]
pub(crate) struct OnnxWriter {
    preset: String,
    seed: u64,
    next: Instant,
}

impl OnnxWriter {
    /// For a run of `preset` with this `seed`.
    pub(crate) fn new(preset: String, seed: u64) -> OnnxWriter {
        OnnxWriter { preset, seed, next: Instant::now() }
    }

    /// Writes the graphs of `gan` after `step` steps, unless the last ones are too new.
    pub(crate) fn write_throttled(
        &mut self,
        gan: &Gan,
        run: &RunDir,
        step: u64,
    ) -> Result<(), Error> {
        let started = Instant::now();
        if started < self.next {
            return Ok(());
        }
        self.write(gan, run, step)?;
        let pause = (started.elapsed() * 50).max(Duration::from_secs(1));
        self.next = Instant::now() + pause;
        Ok(())
    }

    /// Writes the graphs of `gan` after `step` steps. Networks without a description as
    /// a graph have no such files.
    pub(crate) fn write(&self, gan: &Gan, run: &RunDir, step: u64) -> Result<(), Error> {
        match OnnxGraphs::new(gan, &self.preset, self.seed, step) {
            Ok(graphs) => graphs.write(run),
            Err(Error::Export(ExportError::Unsupported(what))) => {
                tracing::info!(what, "no graph");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}
