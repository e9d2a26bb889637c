"""Trains with weights of about 1e-39, whose products are denormal numbers, with builds of forger.

    python3 bench/denormals.py --data data/mnist OLD/forger target/debug/forger

Each build trains some steps with learning rates of almost zero and is stopped. Then this program
scales all weights of the checkpoint to a mean size of 1e-39, and the build continues. The table
shows the time of a step before and after: on a processor that is slow with denormal numbers, a
build that keeps them takes many times as long.

"""

import argparse
import array
import hashlib
import json
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent))

from page import cores, number, spread, table

SIZE = 1e-39
WEIGHTS = ("discriminator.", "generator.")


def scale(checkpoint):
    """Scales each tensor of weights to a mean size of SIZE and writes the file and its hash."""
    data = bytearray(checkpoint.read_bytes())
    (length,) = struct.unpack_from("<Q", data)
    tensors = json.loads(data[8 : 8 + length])
    scaled = 0
    for name, tensor in tensors.items():
        if tensor.get("dtype") != "F32" or not name.startswith(WEIGHTS):
            continue
        start, end = (8 + length + offset for offset in tensor["data_offsets"])
        values = array.array("f", data[start:end])
        mean = sum(map(abs, values)) / max(len(values), 1)
        if mean > 0:
            factor = SIZE / mean
            data[start:end] = array.array("f", [value * factor for value in values]).tobytes()
            scaled += 1
    if not scaled:
        raise SystemExit(f"error: {checkpoint} has no weights: {', '.join(tensors)}")
    checkpoint.write_bytes(data)
    hash_file = checkpoint.with_name(f"{checkpoint.name}.sha256")
    old = hash_file.read_text(encoding="utf-8")
    words = old.split(" ", 1)
    hash_file.write_text(" ".join([hashlib.sha256(data).hexdigest(), *words[1:]]), encoding="utf-8")


def rows(run):
    """The complete rows of a run; none if there is no file yet."""
    path = run / "metrics.jsonl"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def pace(found):
    """Milliseconds of a step, the median over pairs of rows."""
    pairs = list(zip(found, found[1:]))
    return median(1000 * (b["seconds"] - a["seconds"]) / (b["step"] - a["step"]) for a, b in pairs)


def measure(forger, preset, args):
    """Milliseconds of a step with usual weights and with weights of SIZE."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = ["--preset", preset, "--run", run, "--runs", folder, "--data", args.data]
        command += ["--cache", args.cache, "--precision", "f32", "--checkpoint-every", "0"]
        command += ["--steps", "10000000", "--snapshot-every", "10000000"]
        for pair in ("lr_d=1e-45", "lr_g=1e-45", "evaluate_every=0", "report_every=5"):
            command += ["--set", pair]
        train(forger, command, run, args.rows)
        usual = rows(run)
        (checkpoint,) = (run / "checkpoints").glob("*.safetensors")
        scale(checkpoint)
        train(forger, ["--resume", run, "--data", args.data], run, len(usual) + args.rows)
        return pace(usual), pace(rows(run)[len(usual) :])


def train(forger, options, run, count):
    """Trains until the run has `count` rows; the program then saves a checkpoint."""
    command = [forger, "train", *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and len(rows(run)) < count:
            time.sleep(0.05)
        process.terminate()
    if len(rows(run)) < count:
        raise SystemExit(f"error: it ended early: {' '.join(map(str, command))}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("forger", nargs="+", type=Path, help="builds to compare")
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--cache", default=str(Path(tempfile.gettempdir()) / "denormals-cache"))
    parser.add_argument("--presets", nargs="+", default=["modern", "golbin", "goodfellow"])
    parser.add_argument("--rows", type=int, default=20, help="rows of metrics.jsonl, one in 5 steps")
    parser.add_argument("--pairs", type=int, default=3)
    args = parser.parse_args()
    lines = []
    for preset in args.presets:
        found = {forger: [] for forger in args.forger}
        for _ in range(args.pairs):
            for forger in args.forger:
                found[forger].append(measure(forger.resolve(), preset, args))
        for number_of_build, (forger, times) in enumerate(found.items()):
            usual, tiny = zip(*times, strict=True)
            slowdown = spread([b / a for a, b in times])
            cells = [preset, str(number_of_build + 1), number(median(usual)), number(median(tiny))]
            lines.append([*cells, slowdown])
            print(" ".join(lines[-1]), file=sys.stderr, flush=True)
    head = ["preset", "build", "ms a step", f"weights of {SIZE:g}", "ratio"]
    print(f"{table(head, lines)}\nf32, {cores()} cores")


if __name__ == "__main__":
    main()
