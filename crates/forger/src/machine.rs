//! The device and the precision for this machine.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Result, anyhow, bail};
use gan_cli::{DeviceChoice, PrecisionChoice, output};
use gan_config::Precision;
use tch::{Cuda, Device, Kind, Tensor};

/// How a device multiplies bf16 numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bf16 {
    /// With instructions for it.
    Native,
    /// With f32 instructions, many times slower.
    Emulated,
    /// The compute capability of the GPU cannot be read.
    Unknown,
}

/// The first compute capability with bf16 instructions.
const BF16_CAPABILITY: (u32, u32) = (8, 0);

/// The device for `choice` on this machine.
pub fn device(choice: DeviceChoice) -> Result<Device> {
    match choice {
        DeviceChoice::Cpu => Ok(Device::Cpu),
        _ if Cuda::is_available() => {
            check_kernels(Device::Cuda(0))?;
            Ok(Device::Cuda(0))
        }
        DeviceChoice::Auto => Ok(Device::Cpu),
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

/// The arithmetic for `choice` on `device`. Warns if the choice is slow.
pub fn precision(choice: PrecisionChoice, device: Device) -> Result<Precision> {
    let support = match device {
        _ if choice == PrecisionChoice::F32 => Bf16::Unknown,
        Device::Cpu if processor_has_bf16() => Bf16::Native,
        Device::Cpu => Bf16::Emulated,
        _ => support_of(lowest_capability(&compute_capabilities().unwrap_or_default())),
    };
    let precision = choose(choice, device.is_cuda(), support)?;
    match (choice, support) {
        (PrecisionChoice::Bf16, Bf16::Emulated) => output::eprint_line(
            "this processor has no instructions for bf16, so --precision f32 is many times faster",
        ),
        (PrecisionChoice::Auto, Bf16::Unknown) => output::eprint_line(
            "nvidia-smi gives no compute capability, so training uses f32; with 8.0 or higher, \
             --precision bf16 is faster",
        ),
        _ => {}
    }
    Ok(precision)
}

/// The precision for `choice` on a device with this support of bf16.
fn choose(choice: PrecisionChoice, cuda: bool, support: Bf16) -> Result<Precision> {
    match (choice, support) {
        (PrecisionChoice::F32, _) => Ok(Precision::F32),
        (PrecisionChoice::Bf16, Bf16::Emulated) if cuda => bail!(
            "--precision bf16: this GPU computes in bf16 only from compute capability 8.0; use \
             --precision f32"
        ),
        (PrecisionChoice::Bf16, _) | (_, Bf16::Native) => Ok(Precision::Bf16),
        (PrecisionChoice::Auto, _) => Ok(Precision::F32),
    }
}

fn support_of(capability: Option<(u32, u32)>) -> Bf16 {
    match capability {
        Some(found) if found >= BF16_CAPABILITY => Bf16::Native,
        Some(_) => Bf16::Emulated,
        None => Bf16::Unknown,
    }
}

/// The lowest compute capability of a list with one per line, such as `8.6`: libtorch may
/// count the GPUs in another order. `None` if there is none or if a line holds something else.
fn lowest_capability(list: &str) -> Option<(u32, u32)> {
    let capability = |line: &str| {
        let (major, minor) = line.trim().split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    };
    let found: Option<Vec<_>> = list.lines().map(capability).collect();
    found?.into_iter().min()
}

/// The compute capabilities that the driver's `nvidia-smi` prints. It is started by its absolute
/// path, never from the current folder.
fn compute_capabilities() -> Option<String> {
    let path = std::env::var_os("PATH")?;
    let name = format!("nvidia-smi{}", std::env::consts::EXE_SUFFIX);
    // The second folder is the one of Windows' Linux.
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/lib/wsl/lib")]);
    let program =
        folders.filter(|f| f.is_absolute()).map(|f| f.join(&name)).find(|p| p.is_file())?;
    let mut command = Command::new(&program);
    command.args(["--query-gpu=compute_cap", "--format=csv,noheader"]).stdin(Stdio::null());
    let answer = command.current_dir(program.parent()?).output().ok()?;
    answer.status.success().then(|| String::from_utf8_lossy(&answer.stdout).into_owned())
}

/// Refuses a GPU that this libtorch has no kernels for.
fn check_kernels(device: Device) -> Result<()> {
    let sum = Tensor::f_zeros([1], (Kind::Float, device)).and_then(|zero| zero.f_add_scalar(1.0));
    let sum = sum.and_then(|sum| sum.f_double_value(&[]));
    sum.map(drop).map_err(|error| unusable(&error.to_string()))
}

/// One sentence for an error of the first operation on a GPU.
fn unusable(message: &str) -> anyhow::Error {
    if message.contains("no kernel image") {
        return anyhow!("this libtorch has no kernels for this GPU; use --device cpu");
    }
    let first = message.lines().next().unwrap_or_default();
    anyhow!("the GPU cannot be used: {first}; use --device cpu")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bf16_is_chosen_only_where_it_is_native() {
        use PrecisionChoice::{Auto, Bf16 as Forced, F32};
        for (choice, cuda, support, expected) in [
            (Auto, true, Bf16::Native, Some(Precision::Bf16)),
            (Auto, true, Bf16::Emulated, Some(Precision::F32)),
            (Auto, true, Bf16::Unknown, Some(Precision::F32)),
            (Auto, false, Bf16::Native, Some(Precision::Bf16)),
            (Auto, false, Bf16::Emulated, Some(Precision::F32)),
            (F32, true, Bf16::Native, Some(Precision::F32)),
            (F32, false, Bf16::Native, Some(Precision::F32)),
            (Forced, true, Bf16::Native, Some(Precision::Bf16)),
            (Forced, true, Bf16::Unknown, Some(Precision::Bf16)),
            (Forced, true, Bf16::Emulated, None),
            (Forced, false, Bf16::Emulated, Some(Precision::Bf16)),
        ] {
            let chosen = choose(choice, cuda, support).ok();
            assert_eq!(chosen, expected, "{choice:?} cuda: {cuda} {support:?}");
        }
    }

    #[test]
    fn bf16_is_native_from_compute_capability_8() {
        for (list, capability, support) in [
            ("7.5\n", Some((7, 5)), Bf16::Emulated),
            ("8.0\n", Some((8, 0)), Bf16::Native),
            ("12.0\n", Some((12, 0)), Bf16::Native),
            ("9.0\n6.1\n", Some((6, 1)), Bf16::Emulated),
            ("8.9\n[N/A]\n", None, Bf16::Unknown),
            ("", None, Bf16::Unknown),
            ("Failed to initialize NVML", None, Bf16::Unknown),
        ] {
            let found = lowest_capability(list);
            assert_eq!((found, support_of(found)), (capability, support), "{list:?}");
        }
    }

    #[test]
    fn gpu_without_kernels_is_one_sentence_with_a_remedy() {
        let message = "CUDA error: no kernel image is available for execution on the device\n\
                       Search for `cudaErrorNoKernelImageForDevice'\nException raised from …";
        for message in [message, "CUDA error: out of memory\nException raised from …"] {
            let error = unusable(message).to_string();
            assert!(error.ends_with("; use --device cpu"), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
        assert!(unusable(message).to_string().contains("no kernels for this GPU"));
    }
}
