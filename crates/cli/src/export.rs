//! The options of `export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use strum::IntoStaticStr;

const EXAMPLES: &str = "\
Examples:
  cargo xtask export                                the newest run's generator, as generator.onnx
  cargo xtask export --format torchscript           the same for PyTorch, as generator.pt
  cargo xtask export --network discriminator --run runs/0003-modern
                                                    the discriminator of another run

docs/export.md shows how to load each format in Python.";

/// Write a trained network for other programs: ONNX, TorchScript or safetensors
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ExportArgs {
    /// Folder of the run [default: runs/latest]
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,

    /// Format of the file
    #[arg(long, value_enum, default_value_t)]
    pub format: ExportFormat,

    /// The network to write
    #[arg(long, value_enum, default_value_t)]
    pub network: ExportNetwork,

    /// File to write [default: the network's name in the folder of the run]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// A file format of networks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Operators and weights, for ONNX Runtime and many other programs.
    #[default]
    Onnx,
    /// Operators and weights, for PyTorch.
    Torchscript,
    /// The weights alone.
    Safetensors,
}

impl ExportFormat {
    /// The end of file names, without a dot.
    pub fn extension(self) -> &'static str {
        match self {
            ExportFormat::Onnx => "onnx",
            ExportFormat::Torchscript => "pt",
            ExportFormat::Safetensors => "safetensors",
        }
    }
}

/// One of the two networks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum ExportNetwork {
    /// Makes images from latents; with its averaged weights if there are any.
    #[default]
    Generator,
    /// Tells real images from generated ones.
    Discriminator,
}

impl ExportNetwork {
    /// The start of file names.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
