//! What this machine offers: device, precision and threads, as asked for or as
//! found.

use anyhow::{Result, bail};
use gan_trainer::precision;
use tch::{Cuda, Device, Kind};

use crate::args::{DeviceChoice, PrecisionChoice};

/// The device that `choice` means here.
pub fn device(choice: DeviceChoice) -> Result<Device> {
    match choice {
        DeviceChoice::Auto if Cuda::is_available() => Ok(Device::Cuda(0)),
        DeviceChoice::Auto | DeviceChoice::Cpu => Ok(Device::Cpu),
        DeviceChoice::Cuda if Cuda::is_available() => Ok(Device::Cuda(0)),
        DeviceChoice::Cuda => bail!(
            "--device cuda: this libtorch sees no CUDA device; run `cargo xtask fetch --cuda` \
             for the CUDA build, check the driver with nvidia-smi, or leave --device out"
        ),
    }
}

/// The device's name in a run's configuration.
pub fn device_name(device: Device) -> String {
    match device {
        Device::Cuda(index) => format!("cuda:{index}"),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// The device that a run's configuration names.
pub fn device_named(name: &str) -> Result<Device> {
    match name.split_once(':') {
        None if name == "cpu" => Ok(Device::Cpu),
        Some(("cuda", index)) => match index.parse() {
            Ok(index) if (index as i64) < Cuda::device_count() => Ok(Device::Cuda(index)),
            _ => bail!("the run was computed on {name}, which this libtorch does not see here"),
        },
        _ => bail!("the run's configuration names no device: {name}"),
    }
}

/// The kind that `choice` means on `device`.
pub fn kind(choice: PrecisionChoice, device: Device) -> Kind {
    match choice {
        PrecisionChoice::F32 => Kind::Float,
        PrecisionChoice::Bf16 => Kind::BFloat16,
        PrecisionChoice::Auto if device.is_cuda() || processor_has_bf16() => Kind::BFloat16,
        PrecisionChoice::Auto => Kind::Float,
    }
}

/// The kind's name in a run's configuration.
pub fn kind_name(kind: Kind) -> &'static str {
    precision::name_of(kind).unwrap_or("f32")
}

/// Sets the threads libtorch computes with and returns their number.
pub fn set_threads(asked: Option<u64>) -> Result<u64> {
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let threads = asked.unwrap_or(cores);
    if threads == 0 || threads > 1024 {
        bail!("--threads {threads}: it must be between 1 and 1024; this machine has {cores} cores");
    }
    tch::set_num_threads(threads as i32);
    Ok(threads)
}

/// Whether products of bf16 numbers are an instruction here.
fn processor_has_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx512bf16");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("bf16");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}
