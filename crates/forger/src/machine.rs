//! The device, precision and threads of this machine.

use anyhow::{Result, bail};
use gan_cli::{DeviceChoice, PrecisionChoice};
use gan_config::Precision;
use tch::{Cuda, Device};

/// The device for `choice` on this machine.
pub fn device(choice: DeviceChoice) -> Result<Device> {
    match choice {
        DeviceChoice::Auto if Cuda::is_available() => Ok(Device::Cuda(0)),
        DeviceChoice::Auto | DeviceChoice::Cpu => Ok(Device::Cpu),
        DeviceChoice::Cuda if Cuda::is_available() => Ok(Device::Cuda(0)),
        DeviceChoice::Cuda => bail!(
            "--device cuda: libtorch finds no CUDA device; fetch the CUDA build with `cargo xtask \
             fetch --cuda`, check the driver with `nvidia-smi`, or leave --device out"
        ),
    }
}

/// The device with that name in the configuration of a run.
pub fn device_named(name: &str) -> Result<Device> {
    match name.split_once(':') {
        None if name == "cpu" => Ok(Device::Cpu),
        Some(("cuda", index)) => match index.parse() {
            Ok(index) if (index as i64) < Cuda::device_count() => Ok(Device::Cuda(index)),
            _ => bail!("the run was trained on {name}, but libtorch finds no such device here"),
        },
        _ => bail!("config.toml: device = {name:?} must be \"cpu\" or \"cuda:N\""),
    }
}

/// The arithmetic for `choice` on `device`.
pub fn precision(choice: PrecisionChoice, device: Device) -> Precision {
    match choice {
        PrecisionChoice::F32 => Precision::F32,
        PrecisionChoice::Bf16 => Precision::Bf16,
        PrecisionChoice::Auto if device.is_cuda() || processor_has_bf16() => Precision::Bf16,
        PrecisionChoice::Auto => Precision::F32,
    }
}

/// The name of a precision: `f32` or `bf16`.
pub fn precision_name(precision: Precision) -> &'static str {
    precision.into()
}

/// Sets the number of threads that libtorch computes with, by default one per core.
/// Returns it.
pub fn set_threads(threads: Option<u64>) -> Result<u64> {
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let threads = threads.unwrap_or(cores);
    if !(1..=1024).contains(&threads) {
        bail!("--threads {threads}: it must be from 1 to 1024; this machine has {cores} cores");
    }
    tch::set_num_threads(threads as i32);
    Ok(threads)
}

/// Whether the processor has instructions for products of bf16 numbers.
fn processor_has_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx512bf16");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("bf16");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}
