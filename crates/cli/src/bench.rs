//! The options of `cargo xtask bench`, and of `forger bench`, which it starts for
//! each measurement.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::values::{DeviceChoice, PrecisionChoice, positive_seconds};

const EXAMPLES: &str = "\
Examples:
  cargo xtask bench                        everything but PyTorch, about half an hour on 2 cores
  cargo xtask bench --only steps,sampling  these parts; the other parts of the page stay
  cargo xtask bench --peers                the same networks in PyTorch as well, another hour
  cargo xtask bench --quick                a rough look, written to target/bench/quick.md

Run nothing else meanwhile. Compared programs take turns, A B A B; the page shows the smallest,
the median and the largest ratio of the pairs.";

/// Measure speed; writes docs/benchmarks.md
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct BenchArgs {
    /// Measure each number once and briefly, and leave docs/benchmarks.md as it is
    #[arg(long)]
    pub quick: bool,

    /// Measure the same networks in PyTorch as well; it is installed into target/peers
    #[arg(long)]
    pub peers: bool,

    /// Parts to measure [default: all but peers]
    #[arg(long, value_name = "PARTS", value_enum, value_delimiter = ',')]
    pub only: Vec<Part>,

    /// Seconds per number [default: 5; with --quick: 0.3]
    #[arg(long, value_name = "S", value_parser = positive_seconds, allow_negative_numbers = true)]
    pub seconds: Option<f64>,

    /// Turns of each compared program [default: 5; with --quick: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub pairs: Option<u16>,

    /// Threads to compute with [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,

    /// Folder of four IDX files [default: data/mnist, fetched]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Folder of the run to sample from [default: a new run of a few steps]
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
}

/// A part of the page, in the page's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Training steps of each system, and their share of the machine's peak
    Steps,
    /// That peak: a convolution and a matrix product
    Peak,
    /// The same networks in PyTorch
    Peers,
    /// Batch sizes, widths and threads
    Scaling,
    /// The operators in the time of a step
    Operators,
    /// Images from a trained generator
    Sampling,
    /// IDX files, grids and animations
    Formats,
}

/// What `forger bench` can measure.
#[derive(Debug, Subcommand)]
pub enum Measure {
    /// Training steps
    Steps(StepsArgs),
    /// A convolution and a matrix product: the machine's peak
    Peak(MeasureArgs),
    /// Images from a generator
    Sampling(SystemArgs),
}

/// Options of `forger bench steps`.
#[derive(Debug, Args)]
pub struct StepsArgs {
    /// The system and how it is measured.
    #[command(flatten)]
    pub system: SystemArgs,

    /// Real images per step [default: the preset's]
    #[arg(long, value_name = "N")]
    pub batch: Option<u64>,

    /// Multiply modern's numbers of channels by this
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub width: i64,

    /// Folder of four IDX files, plain or gzip [default: data/mnist]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// A system, and how it is measured.
#[derive(Debug, Args)]
pub struct SystemArgs {
    /// Preset to measure
    #[arg(long, value_name = "NAME", value_parser = ["modern", "dcgan", "oshea", "golbin"])]
    pub preset: String,

    /// How it is measured.
    #[command(flatten)]
    pub measure: MeasureArgs,
}

/// How something is measured.
#[derive(Debug, Args)]
pub struct MeasureArgs {
    /// Seconds to measure, after a warm-up
    #[arg(long, value_name = "S", default_value_t = 5.0)]
    pub seconds: f64,

    /// Threads to compute with [default: one per core]
    #[arg(long, value_name = "N")]
    pub threads: Option<u64>,

    /// Where to compute
    #[arg(long, value_enum, default_value_t)]
    pub device: DeviceChoice,

    /// Arithmetic of the networks
    #[arg(long, value_enum, default_value_t)]
    pub precision: PrecisionChoice,
}
