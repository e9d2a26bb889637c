//! `forger export`: a trained network as an ONNX, TorchScript or safetensors file.

use std::fs;
use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result};
use gan_cli::{ExportArgs, ExportFormat, ExportNetwork, Paths};
use gan_models::torchscript::to_torchscript;
use gan_models::{Graph, ParamLayout};
use gan_trainer::{CALIBRATION_SAMPLES, OnnxGraphs, RunGan};
use run_dir::{RunDir, write_atomic};

use crate::output;

/// Runs the command.
pub fn run(args: &ExportArgs) -> Result<ExitCode> {
    let run = RunDir::open(&Paths::from_env().run(args.run.as_deref()))
        .context("nothing to export; train first with `cargo xtask train`")?;
    let RunGan { config, state, gan } = RunGan::open(&run)?;
    let [g, d] = gan.inference_parameters();
    let (generator, discriminator) = (&gan.generator.network, &gan.discriminator.network);
    let (layout, parameters, fixed): (&ParamLayout, _, _) = match args.network {
        ExportNetwork::Generator => (generator.layout(), g, generator.uses_batch_statistics()),
        ExportNetwork::Discriminator => {
            (discriminator.layout(), d, discriminator.uses_batch_statistics())
        }
    };
    let bytes = match args.format {
        ExportFormat::Safetensors => layout.to_safetensors(&parameters)?,
        format => {
            let graphs = OnnxGraphs::new(&gan, &config.preset, config.seed, state.step)?;
            let graph = match args.network {
                ExportNetwork::Generator => graphs.generator,
                ExportNetwork::Discriminator => graphs.discriminator,
            };
            match format {
                ExportFormat::Torchscript => torchscript(&graph)?,
                _ => graph.to_onnx(),
            }
        }
    };
    let name = format!("{}.{}", args.network.name(), args.format.extension());
    let path = args.out.clone().unwrap_or_else(|| run.root().join(name));
    match path.parent() == Some(run.root()) {
        // The report reads it.
        true => run.save(&path, &bytes)?,
        false => write_atomic(&path, |w| w.write_all(&bytes))?,
    }
    if fixed {
        output::eprint_line(match args.format {
            ExportFormat::Safetensors => {
                "this network normalizes with the statistics of each batch; the file has none"
                    .to_owned()
            }
            _ => format!(
                "this network normalizes with the statistics of each batch; in the file they are \
                 fixed: those of {CALIBRATION_SAMPLES} samples"
            ),
        });
    }
    output::print_line(path.display())?;
    Ok(ExitCode::SUCCESS)
}

/// The bytes of a TorchScript file, which libtorch writes only to a path.
fn torchscript(graph: &Graph) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let path = folder.path().join("network.pt");
    to_torchscript(graph)?.save(&path)?;
    fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
}
