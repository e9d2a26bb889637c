"""Times the training step of one system in PyTorch and prints one JSON line."""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

from systems import SYSTEMS

STYLES = ("default", "expert", "rewritten", "compiled")

# Keeps freed memory in the process (glibc).
ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_TOP_PAD_": str(64 << 20),
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--system", choices=sorted(SYSTEMS), required=True)
    parser.add_argument("--style", choices=STYLES, required=True)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, default=20.0, help="how long to measure")
    parser.add_argument("--data", required=True, help="folder of MNIST's raw IDX files")
    parser.add_argument("--batch", type=int, help="real images per step [default: the system's]")
    parser.add_argument(
        "--precision",
        choices=("bf16", "f32"),
        help="of all styles except default, which is f32 [default: bf16]",
    )
    args = parser.parse_args()
    args.batch = args.batch or SYSTEMS[args.system].batch
    if not 1 <= args.batch <= SYSTEMS[args.system].train_images:
        parser.error("--batch: at least 1, at most the training images")
    if args.threads < 1:
        parser.error("--threads: at least 1")
    if args.style == "default" and args.precision == "bf16":
        parser.error("--precision: the default style is f32")
    return args


def with_environment(args):
    """Restarts this program with the environment that libraries read when they are loaded."""
    wanted = {"OMP_NUM_THREADS": str(args.threads), "MKL_NUM_THREADS": str(args.threads)}
    if args.style != "default":
        wanted |= ALLOCATOR
    if any(os.environ.get(key) != value for key, value in wanted.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | wanted)


def peak_memory():
    """The largest resident size of this process in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("/proc/self/status has no line VmHWM")


def start(args):
    """The system in its style, before the first step."""
    import torch

    from data import read_images

    system = SYSTEMS[args.system]
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    images = read_images(args.data)
    if args.style == "default":
        from style_default import DefaultStyle

        return DefaultStyle(args.system, system, images, args.batch)
    from style_expert import ExpertStyle

    precision = args.precision or "bf16"
    return ExpertStyle(args.system, system, images, args.batch, precision, args.style)


def measure(style, every, seconds):
    """Seconds per step, one value for each whole round of `every` steps."""
    finished = 0

    def run_round():
        nonlocal finished
        begin = time.perf_counter()
        for _ in range(every):
            style.step(finished)
            finished += 1
        return (time.perf_counter() - begin) / every

    # Warm-up: at least three rounds and one second.
    begin = time.perf_counter()
    rounds = 0
    while rounds < 3 or time.perf_counter() - begin < 1.0:
        run_round()
        rounds += 1
    begin = time.perf_counter()
    times = []
    while len(times) < 3 or time.perf_counter() - begin < seconds:
        times.append(run_round())
    return times


def main():
    args = arguments()
    with_environment(args)
    import torch

    style = start(args)
    # A round contains one step with penalties, if the system has any.
    every = SYSTEMS[args.system].penalty_every
    times = measure(style, every, args.seconds)
    median = statistics.median(times)
    report = {
        "system": args.system,
        "style": args.style,
        "batch": args.batch,
        "threads": args.threads,
        "precision": style.precision,
        "steps": len(times) * every,
        "ms_per_step": round(median * 1e3, 4),
        "ms_mean": round(statistics.fmean(times) * 1e3, 4),
        "images_per_second": round(args.batch / median, 1),
        "peak_memory_bytes": peak_memory(),
        "torch": torch.__version__,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
