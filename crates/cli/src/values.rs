//! Types and parsers of values that several options share.

use std::ops::RangeInclusive;
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use mnist_io::known::{self, KnownSet};

/// Where to compute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum DeviceChoice {
    /// The first CUDA device if there is one, else the processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// The first CUDA device.
    Cuda,
}

/// Arithmetic of the networks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum PrecisionChoice {
    /// bf16 on CUDA and on processors with bf16 instructions, else f32.
    #[default]
    Auto,
    /// 32-bit floating point.
    F32,
    /// bfloat16, with f32 parameters.
    Bf16,
}

/// Parses the name of a known data set.
pub fn known_set() -> impl TypedValueParser<Value = &'static KnownSet> {
    let names = known::ALL.iter().map(|set| PossibleValue::new(set.name).help(set.title));
    PossibleValuesParser::new(names).try_map(|name| known::by_name(&name).ok_or("it is unknown"))
}

/// Parses a whole number within `range`.
pub fn number(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<u64, String> + Clone + Send + Sync + 'static {
    move |text| {
        let value = text.parse().ok().filter(|value| range.contains(value));
        value.ok_or_else(|| match (range.start(), range.end()) {
            (first, &u64::MAX) => format!("it must be a whole number of at least {first}"),
            (first, last) => format!("it must be a whole number from {first} to {last}"),
        })
    }
}

/// Parses any whole number of at least 0.
pub fn whole(text: &str) -> Result<u64, String> {
    number(0..=u64::MAX)(text)
}

/// Parses a number of at least 1.
pub fn positive(text: &str) -> Result<u64, String> {
    number(1..=u64::MAX)(text)
}

/// Parses a number of threads.
pub fn threads(text: &str) -> Result<u64, String> {
    number(1..=1024)(text)
}

/// Parses a number of seconds of at least 0.
fn seconds(text: &str) -> Result<f64, String> {
    let value = text.parse().ok();
    // A `Duration` cannot hold more seconds.
    value
        .filter(|value| (0.0..1e19).contains(value))
        .ok_or_else(|| "it must be a number of seconds of at least 0".to_owned())
}

/// Parses a duration in seconds, which can be 0.
pub fn duration(text: &str) -> Result<Duration, String> {
    Duration::try_from_secs_f64(seconds(text)?).map_err(|e| e.to_string())
}

/// Parses a number of seconds above 0.
pub fn positive_seconds(text: &str) -> Result<f64, String> {
    let value = seconds(text).ok().filter(|value| *value > 0.0);
    value.ok_or_else(|| "it must be a number of seconds above 0".to_owned())
}
