//! Trained networks and samples as files of other programs.

use std::fs;
use std::path::Path;

use crate::{data, forger, refuses, succeeds, text};

/// A run of `preset` with two steps in `dir/run`.
fn train(dir: &Path, preset: &str) {
    data(&dir.join("data"));
    let line = format!(
        "train --data data --preset {preset} --steps 2 --batch 8 --threads 1 --run run \
         --set train_images=0 --set evaluate_every=0"
    );
    succeeds(&forger(dir, &line));
}

#[test]
fn export_writes_each_network_in_each_format() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    train(dir, "golbin-conditional");
    for network in ["generator", "discriminator"] {
        // Training left the same file.
        let left = fs::read(dir.join(format!("run/{network}.onnx"))).unwrap();
        let line = format!("export --run run --network {network}");
        let told = succeeds(&forger(dir, &format!("{line} --out exported/x.onnx")));
        assert_eq!(told, "exported/x.onnx\n");
        assert!(fs::read(dir.join("exported/x.onnx")).unwrap() == left);

        for (format, extension) in [("torchscript", "pt"), ("safetensors", "safetensors")] {
            let told = succeeds(&forger(dir, &format!("{line} --format {format}")));
            assert_eq!(told, format!("run/{network}.{extension}\n"));
        }
        let module = tch::CModule::load(dir.join(format!("run/{network}.pt"))).unwrap();
        let size = if network == "generator" { vec![3, 128] } else { vec![3, 1, 28, 28] };
        let input = tch::Tensor::zeros(size, (tch::Kind::Float, tch::Device::Cpu));
        let labels = tch::Tensor::from_slice(&[1i64, 7, 9]);
        let output = module.forward_ts(&[input, labels]).unwrap();
        let expected = if network == "generator" { vec![3, 1, 28, 28] } else { vec![3] };
        assert_eq!(output.size(), expected);
        let weights = fs::read(dir.join(format!("run/{network}.safetensors"))).unwrap();
        let networks = gan_models::by_name("golbin-conditional", gan_models::DIGITS, None).unwrap();
        let layout = match network {
            "generator" => networks.generator.layout().clone(),
            _ => networks.discriminator.layout().clone(),
        };
        let flat = layout.read_safetensors(&weights).unwrap();
        assert_eq!(flat.size(), [layout.numel()]);
    }
    refuses(&forger(dir, "export --run elsewhere"), "nothing to export");
}

#[test]
fn export_says_that_batch_statistics_are_fixed() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    train(dir, "dcgan");
    let output = forger(dir, "export --run run");
    assert_eq!(succeeds(&output), "run/generator.onnx\n");
    let told = text(&output.stderr);
    assert!(told.contains("fixed: those of 1000 samples"), "{told}");
}

#[test]
fn sample_writes_numpy_files_and_walk_writes_a_gif() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    train(dir, "golbin-conditional");
    for out in ["x.idx3", "x.npy", "x.npz"] {
        let line = format!("sample --run run --threads 1 --count 6 --out {out}");
        succeeds(&forger(dir, &line));
    }
    let idx = mnist_io::Images::read_file(&dir.join("x.idx3")).unwrap();
    assert_eq!((idx.len(), idx.rows(), idx.cols()), (6, 28, 28));
    let npy = fs::read(dir.join("x.npy")).unwrap();
    assert!(npy.starts_with(b"\x93NUMPY\x01\x00") && npy.ends_with(idx.pixels()));
    assert!(String::from_utf8_lossy(&npy[..128]).contains("'shape': (6, 28, 28)"));
    assert!(fs::read(dir.join("x.npz")).unwrap().starts_with(b"PK"));
    let line = "walk --run run --threads 1 --seeds 1,2 --images 2 --digit 7";
    assert_eq!(succeeds(&forger(dir, line)), "run/walk.gif\n");
    let gif = fs::read(dir.join("run/walk.gif")).unwrap();
    assert!(gif.starts_with(b"GIF89a"));
    refuses(&forger(dir, "walk --run elsewhere"), "nothing to animate");
}
