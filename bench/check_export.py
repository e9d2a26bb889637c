"""Compares exported networks in Python with what libtorch computes in this workspace.

For each preset: trains a few steps, exports both networks in every format, and loads them with
ONNX Runtime, PyTorch and safetensors. Images must agree within 1e-4 of the pixel range, logits
within 1e-2 of the largest logit. Prints one row per preset, and fails if one disagrees.

    python3 -m venv /tmp/export && . /tmp/export/bin/activate
    python3 -m pip install numpy onnx onnxruntime safetensors torch
    python3 bench/check_export.py [PRESET ...]

`cargo xtask fetch` must have run. FORGER and EXPORT_REFERENCE may name built programs.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from safetensors.numpy import load_file

ROOT = Path(__file__).resolve().parent.parent
PRESETS = [
    "modern", "modern --conditional", "oshea", "oshea-channels", "golbin", "golbin-conditional",
    "goodfellow", "dcgan",
]
# Images compared, and steps of training before that.
BATCH, STEPS = 16, 3
MAX_IMAGE, MAX_LOGIT = 1e-4, 1e-2


def program(variable, *cargo):
    """The command of a program: that of the environment variable, or built by cargo."""
    built = os.environ.get(variable)
    return [built] if built else ["cargo", "run", "-q", *cargo, "--"]


def run(command, *arguments):
    result = subprocess.run(
        [*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, [*command, *arguments]))}\n{result.stderr}")


def write_data(folder):
    """A small data set of random images: what the networks learn does not matter."""
    folder.mkdir()
    generator = np.random.default_rng(1)
    for split, count in [("train", 256), ("t10k", 64)]:
        images = generator.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = generator.integers(0, 10, count, dtype=np.uint8)
        for name, array in [("images-idx3", images), ("labels-idx1", labels)]:
            # IDX: type u8, number of axes, their lengths in big endian.
            header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
            (folder / f"{split}-{name}-ubyte").write_bytes(header + array.tobytes())


def outputs(folder, network, inputs):
    """The output of a network in ONNX Runtime and in PyTorch."""
    path = folder / f"{network}.onnx"
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    named = {value.name: inputs[value.name] for value in session.get_inputs()}
    module = torch.jit.load(folder / f"{network}.pt")
    with torch.no_grad():
        tensor = module(*(torch.from_numpy(value) for value in named.values()))
    return session.run(None, named)[0], tensor.numpy()


def check(preset, folder):
    """The largest differences of images and of logits: ONNX, then TorchScript."""
    forger = program("FORGER", "-p", "forger")
    out = folder / "run"
    name, *options = preset.split()
    if name.startswith("oshea"):
        options += ["--set", "pretrain_images=64"]
    write_data(folder / "data")
    run(
        forger, "train", "--preset", name, *options, "--steps", str(STEPS),
        "--set", "evaluate_every=0", "--set", "train_images=0", "--data", folder / "data",
        "--cache", folder / "cache", "--run", out, "--runs", folder, "--device", "cpu",
    )
    for network in ["generator", "discriminator"]:
        for form in ["onnx", "torchscript", "safetensors"]:
            run(forger, "export", "--run", out, "--format", form, "--network", network)
    file = folder / "reference.safetensors"
    example = program("EXPORT_REFERENCE", "-p", "gan-trainer", "--example", "export_reference")
    run(example, out, file)
    # Copies, because the tensors of a file need not be aligned.
    reference = {key: value[:BATCH].copy() for key, value in load_file(file).items()}
    initializers = onnx.load(out / "generator.onnx").graph.initializer
    weights = load_file(out / "generator.safetensors")
    for tensor in initializers:
        if tensor.name in weights:
            np.testing.assert_array_equal(onnx.numpy_helper.to_array(tensor), weights[tensor.name])

    image, logit = reference["image"], reference["logit"]
    images = outputs(out, "generator", reference)
    logits = outputs(out, "discriminator", reference)
    scale = np.abs(logit).max()
    return (
        [float(np.abs(found - image).max()) for found in images],
        [float(np.abs(found - logit).max() / scale) for found in logits],
    )


def main():
    print("largest difference       images ONNX  TorchScript  logits ONNX  TorchScript")
    failed = False
    for preset in sys.argv[1:] or PRESETS:
        with tempfile.TemporaryDirectory() as folder:
            images, logits = check(preset, Path(folder))
        numbers = "  ".join(f"{value:11.1e}" for value in images + logits)
        print(f"{preset:22}  {numbers}", flush=True)
        failed |= max(images) > MAX_IMAGE or max(logits) > MAX_LOGIT
    sys.exit("some differences are too large" if failed else 0)


if __name__ == "__main__":
    main()
