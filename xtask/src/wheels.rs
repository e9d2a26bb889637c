//! The artefacts that libtorch is made from, each pinned by its SHA-256.
//!
//! The Python wheel `torch` holds a complete libtorch. Its libraries look for
//! each other, and for NVIDIA's, in their own folder too (`$ORIGIN` ends their
//! run path), so everything goes into one `lib/`.

use std::env::consts::{ARCH, OS};

use anyhow::Result;

use crate::fault::fault;

/// The version of libtorch that the bindings in use are written for.
pub const VERSION: &str = "2.13.0";

/// A libtorch for one kind of machine.
pub struct Build {
    /// What it computes on: `cpu` or `cuda`.
    pub name: &'static str,
    /// What it is unpacked from.
    pub wheels: &'static [Wheel],
    /// Links in `lib/`, each with the library beside it that it names.
    pub links: &'static [(&'static str, &'static str)],
}

/// A wheel, and what is taken out of it.
pub struct Wheel {
    /// The file's name, which holds package, version and platforms.
    pub file: &'static str,
    /// Bytes of the file.
    pub bytes: u64,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: &'static str,
    /// The folder in the wheel whose libraries are taken.
    pub lib_dir: &'static str,
    /// Names of those libraries.
    pub libs: &'static [&'static str],
    /// The folder in the wheel that holds headers, all of which are taken.
    pub include_dir: Option<&'static str>,
    /// How to do without the wheel, as the end of a remedy.
    pub otherwise: &'static str,
}

impl Build {
    /// The build for this machine.
    pub fn for_this_machine(cuda: bool) -> Result<&'static Build> {
        match (OS, ARCH, cuda) {
            _ if cfg!(target_env = "musl") => {}
            ("linux", "x86_64", false) => return Ok(&LINUX_X86_64),
            ("linux", "x86_64", true) => return Ok(&LINUX_X86_64_CUDA),
            ("linux", "aarch64", false) => return Ok(&LINUX_AARCH64),
            ("macos", "aarch64", false) => return Ok(&MACOS_AARCH64),
            ("windows", "x86_64", false) => return Ok(&WINDOWS_X86_64),
            _ => {}
        }
        let cuda = if cuda { " with CUDA" } else { "" };
        Err(fault(
            format!("no libtorch {VERSION}{cuda} can be fetched for {OS} on {ARCH}"),
            format!("set LIBTORCH to a folder that holds libtorch {VERSION} for this machine"),
        ))
    }

    /// What the build is, in one line that differs between any two.
    pub fn identity(&self) -> String {
        format!("libtorch {VERSION} {} {OS}-{ARCH}", self.name)
    }

    /// Bytes to download.
    pub fn bytes(&self) -> u64 {
        self.wheels.iter().map(|w| w.bytes).sum()
    }
}

impl Wheel {
    /// Package and version, `nvidia_nccl_cu13` and `2.29.7`.
    pub fn package(&self) -> (&'static str, &'static str) {
        let mut parts = self.file.split('-');
        (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        )
    }

    /// The platforms' tags, `manylinux2014_x86_64` and `manylinux_2_17_x86_64`.
    pub fn platforms(&self) -> impl Iterator<Item = &'static str> {
        let stem = self.file.trim_end_matches(".whl");
        stem.rsplit('-').next().unwrap_or_default().split('.')
    }
}

const TORCH: Wheel = Wheel {
    file: "",
    bytes: 0,
    sha256: "",
    lib_dir: "torch/lib/",
    libs: &[],
    include_dir: Some("torch/include/"),
    otherwise: "set LIBTORCH to a libtorch that you have",
};

const NVIDIA: Wheel = Wheel {
    lib_dir: "nvidia/cu13/lib/",
    include_dir: None,
    ..TORCH
};

const TORCH_LINUX_X86_64: Wheel = Wheel {
    file: "torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl",
    bytes: 526_574_961,
    sha256: "60fcdcb2f3876e21146cb4524ef06397d727ca9ad5f020818547e25075fe3cb7",
    ..TORCH
};

/// `libtorch_cpu.so` was linked with CUDA's profiler and run time at hand and
/// names them, so even the CPU needs these two.
const RUNTIME_X86_64: Wheel = Wheel {
    file: "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
    bytes: 2_243_632,
    sha256: "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
    libs: &["libcudart.so.13"],
    ..NVIDIA
};
const CUPTI_X86_64: Wheel = Wheel {
    file: "nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_x86_64.whl",
    bytes: 10_715_597,
    sha256: "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
    libs: &["libcupti.so.13"],
    ..NVIDIA
};

/// The wheel's own `libtorch.so` holds no code but names every CUDA library; a
/// link in its place satisfies `-ltorch` without them.
const CPU_LINKS: &[(&str, &str)] = &[("libtorch.so", "libtorch_cpu.so")];

static LINUX_X86_64: Build = Build {
    name: "cpu",
    wheels: &[
        Wheel {
            libs: &["libc10.so", "libgomp.so.1", "libtorch_cpu.so"],
            ..TORCH_LINUX_X86_64
        },
        RUNTIME_X86_64,
        CUPTI_X86_64,
    ],
    links: CPU_LINKS,
};

/// The wheels are those that the `torch` wheel asks for, without the ones that
/// only Python uses (triton, cuda-bindings) or that no library names (nvtx).
static LINUX_X86_64_CUDA: Build = Build {
    name: "cuda",
    wheels: &[
        Wheel {
            libs: &[
                "libc10.so",
                "libc10_cuda.so",
                "libcaffe2_nvrtc.so",
                "libgomp.so.1",
                "libtorch.so",
                "libtorch_cpu.so",
                "libtorch_cuda.so",
                "libtorch_cuda_linalg.so",
                "libtorch_nvshmem.so",
            ],
            ..TORCH_LINUX_X86_64
        },
        RUNTIME_X86_64,
        CUPTI_X86_64,
        Wheel {
            file: "nvidia_cublas-13.1.1.3-py3-none-manylinux_2_27_x86_64.whl",
            bytes: 423_138_758,
            sha256: "37936a16db8fe4ac1f065c2139360608a543a09275cb1a1af612e08cfa065436",
            libs: &["libcublas.so.13", "libcublasLt.so.13"],
            ..NVIDIA
        },
        Wheel {
            file: "nvidia_cuda_nvrtc-13.0.88-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl",
            bytes: 90_215_200,
            sha256: "ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575",
            libs: &["libnvrtc.so.13", "libnvrtc-builtins.so.13.0"],
            ..NVIDIA
        },
        Wheel {
            file: "nvidia_cudnn_cu13-9.20.0.48-py3-none-manylinux_2_27_x86_64.whl",
            bytes: 366_173_588,
            sha256: "0c45dd8eeb50b603f07995b1b300c62ffe6a1980482b82b3bcf94a4ca9d49304",
            lib_dir: "nvidia/cudnn/lib/",
            libs: &[
                "libcudnn.so.9",
                "libcudnn_adv.so.9",
                "libcudnn_cnn.so.9",
                "libcudnn_engines_precompiled.so.9",
                "libcudnn_engines_runtime_compiled.so.9",
                "libcudnn_graph.so.9",
                "libcudnn_heuristic.so.9",
                "libcudnn_ops.so.9",
            ],
            ..NVIDIA
        },
        Wheel {
            file: "nvidia_cufft-12.0.0.61-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
            bytes: 214_085_489,
            sha256: "6c44f692dce8fd5ffd3e3df134b6cdb9c2f72d99cf40b62c32dde45eea9ddad3",
            libs: &["libcufft.so.12"],
            ..NVIDIA
        },
        Wheel {
            file: "nvidia_cufile-1.15.1.6-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
            bytes: 1_223_672,
            sha256: "08a3ecefae5a01c7f5117351c64f17c7c62efa5fffdbe24fc7d298da19cd0b44",
            libs: &["libcufile.so.0"],
            ..NVIDIA
        },
        Wheel {
            file: "nvidia_curand-10.4.0.35-py3-none-manylinux_2_27_x86_64.whl",
            bytes: 59_544_258,
            sha256: "1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc",
            libs: &["libcurand.so.10"],
            ..NVIDIA
        },
        Wheel {
            file: "nvidia_cusolver-12.0.4.66-py3-none-manylinux_2_27_x86_64.whl",
            bytes: 200_941_980,
            sha256: "0a759da5dea5c0ea10fd307de75cdeb59e7ea4fcb8add0924859b944babf1112",
            libs: &["libcusolver.so.12"],
            ..NVIDIA
        },
        Wheel {
            file: "nvidia_cusparse-12.6.3.3-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
            bytes: 145_942_937,
            sha256: "2b3c89c88d01ee0e477cb7f82ef60a11a4bcd57b6b87c33f789350b59759360b",
            libs: &["libcusparse.so.12"],
            ..NVIDIA
        },
        Wheel {
            file: "nvidia_cusparselt_cu13-0.8.1-py3-none-manylinux2014_x86_64.whl",
            bytes: 170_148_586,
            sha256: "786ce87568c303fadb5afcc7102d454cd3040d75f6f8626f5db460d1871f4dd0",
            lib_dir: "nvidia/cusparselt/lib/",
            libs: &["libcusparseLt.so.0"],
            ..NVIDIA
        },
        Wheel {
            file: "nvidia_nccl_cu13-2.29.7-py3-none-manylinux_2_18_x86_64.whl",
            bytes: 205_976_000,
            sha256: "edd81538446786ec3b73972543e53bb43bcaf0bfc8ef76cb679fcc390ffe136d",
            lib_dir: "nvidia/nccl/lib/",
            libs: &["libnccl.so.2"],
            ..NVIDIA
        },
        Wheel {
            file: "nvidia_nvjitlink-13.0.88-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl",
            bytes: 40_713_933,
            sha256: "13a74f429e23b921c1109976abefacc69835f2f433ebd323d3946e11d804e47b",
            libs: &["libnvJitLink.so.13"],
            ..NVIDIA
        },
        Wheel {
            file: "nvidia_nvshmem_cu13-3.4.5-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
            bytes: 60_412_546,
            sha256: "290f0a2ee94c9f3687a02502f3b9299a9f9fe826e6d0287ee18482e78d495b80",
            lib_dir: "nvidia/nvshmem/lib/",
            libs: &["libnvshmem_host.so.3"],
            ..NVIDIA
        },
    ],
    links: &[],
};

/// Names read off the libraries in the wheels; never run on such a machine.
static LINUX_AARCH64: Build = Build {
    name: "cpu",
    wheels: &[
        Wheel {
            file: "torch-2.13.0-cp311-cp311-manylinux_2_28_aarch64.whl",
            bytes: 427_199_369,
            sha256: "092790c696a760c729fd5722835f50b9d81fd7c8f141571f3f3cf4081a8f664c",
            libs: &[
                "libarm_compute.so",
                "libarm_compute_graph.so",
                "libc10.so",
                "libgfortran.so.5",
                "libgomp.so.1",
                "libnvpl_blas_core.so.0",
                "libnvpl_blas_lp64_gomp.so.0",
                "libnvpl_lapack_core.so.0",
                "libnvpl_lapack_lp64_gomp.so.0",
                "libtorch_cpu.so",
            ],
            ..TORCH
        },
        Wheel {
            file: "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.whl",
            bytes: 2_261_060,
            sha256: "ef9bcbe90493a2b9d810e43d249adb3d02e98dd30200d86607d8d02687c43f55",
            libs: &["libcudart.so.13"],
            ..NVIDIA
        },
        Wheel {
            file: "nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_aarch64.whl",
            bytes: 10_310_827,
            sha256: "796bd679890ee55fb14a94629b698b6db54bcfd833d391d5e94017dd9d7d3151",
            libs: &["libcupti.so.13"],
            ..NVIDIA
        },
    ],
    links: CPU_LINKS,
};

/// Names read off the wheel; never run on such a machine.
static MACOS_AARCH64: Build = Build {
    name: "cpu",
    wheels: &[Wheel {
        file: "torch-2.13.0-cp311-cp311-macosx_14_0_arm64.whl",
        bytes: 111_187_938,
        sha256: "e76f9bcecc52b8ff711239a2f7547d5353df95878ab232f0773c1d95928b92f8",
        libs: &[
            "libc10.dylib",
            "libomp.dylib",
            "libtorch.dylib",
            "libtorch_cpu.dylib",
        ],
        ..TORCH
    }],
    links: &[],
};

/// Names read off the wheel; never run on such a machine.
static WINDOWS_X86_64: Build = Build {
    name: "cpu",
    wheels: &[Wheel {
        file: "torch-2.13.0-cp311-cp311-win_amd64.whl",
        bytes: 122_015_870,
        sha256: "a0d8b11f16a48d60e2015d8213aa0390744cbebb98e58b62b3514dddc656e330",
        libs: &[
            "c10.dll",
            "c10.lib",
            "libiomp5md.dll",
            "libiompstubs5md.dll",
            "torch.dll",
            "torch.lib",
            "torch_cpu.dll",
            "torch_cpu.lib",
            "uv.dll",
        ],
        ..TORCH
    }],
    links: &[],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wheel_is_pinned_and_named_in_full() {
        let builds = [
            &LINUX_X86_64,
            &LINUX_X86_64_CUDA,
            &LINUX_AARCH64,
            &MACOS_AARCH64,
            &WINDOWS_X86_64,
        ];
        for wheel in builds.iter().flat_map(|b| b.wheels) {
            assert_eq!(wheel.sha256.len(), 64, "{}", wheel.file);
            assert!(wheel.bytes > 0 && !wheel.libs.is_empty(), "{}", wheel.file);
            let (package, version) = wheel.package();
            assert!(package == "torch" || package.starts_with("nvidia_"));
            assert!(version.starts_with(|c: char| c.is_ascii_digit()));
            assert!(wheel.platforms().all(|p| p.contains('_')));
        }
        for build in builds {
            assert_eq!(build.wheels[0].package(), ("torch", VERSION));
            assert!(build.wheels[0].include_dir.is_some());
        }
    }

    #[test]
    fn package_version_and_platforms_are_read_from_the_file_name() {
        assert_eq!(RUNTIME_X86_64.package(), ("nvidia_cuda_runtime", "13.0.96"));
        let platforms: Vec<_> = RUNTIME_X86_64.platforms().collect();
        assert_eq!(platforms, ["manylinux2014_x86_64", "manylinux_2_17_x86_64"]);
    }
}
