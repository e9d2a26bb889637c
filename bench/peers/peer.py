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

# What `forger` tells glibc at its start: keep what is freed.
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
    parser.add_argument("--batch", type=int, help="originals per step, if not the system's")
    parser.add_argument("--precision", choices=("bf16", "f32"), help="of the expert styles")
    return parser.parse_args()


def with_environment(args):
    """Starts this program anew where libraries must find settings at load."""
    wanted = {"OMP_NUM_THREADS": str(args.threads), "MKL_NUM_THREADS": str(args.threads)}
    if args.style != "default":
        wanted |= ALLOCATOR
    if any(os.environ.get(key) != value for key, value in wanted.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | wanted)


def peak_memory():
    """Greatest resident size of this process in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("/proc/self/status has no VmHWM")


def start(args, system, batch):
    import torch

    from data import read_images

    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    images = read_images(args.data)
    if args.style == "default":
        from style_default import DefaultStyle

        return DefaultStyle(args.system, system, images, batch)
    from style_expert import ExpertStyle

    precision = args.precision or system.expert_precision
    return ExpertStyle(args.system, system, images, batch, precision, args.style)


def measure(style, every, seconds):
    """Seconds per step, one value for each whole round of `every` steps."""
    finished = 0

    def play_round():
        nonlocal finished
        begin = time.perf_counter()
        for _ in range(every):
            style.step(finished)
            finished += 1
        return (time.perf_counter() - begin) / every

    # Warm up: a few rounds, and a second at least.
    begin = time.perf_counter()
    rounds = 0
    while rounds < 3 or time.perf_counter() - begin < 1.0:
        play_round()
        rounds += 1
    begin = time.perf_counter()
    times = []
    while len(times) < 3 or time.perf_counter() - begin < seconds:
        times.append(play_round())
    return times


def main():
    args = arguments()
    with_environment(args)
    import torch

    system = SYSTEMS[args.system]
    batch = args.batch or system.batch
    style = start(args, system, batch)
    # A round has one step with penalties, where there are any.
    times = measure(style, system.penalty_every, args.seconds)
    median = statistics.median(times)
    report = {
        "system": args.system,
        "style": args.style,
        "batch": batch,
        "threads": args.threads,
        "precision": style.precision,
        "steps": len(times) * system.penalty_every,
        "ms_per_step": round(median * 1e3, 4),
        "ms_mean": round(statistics.fmean(times) * 1e3, 4),
        "images_per_second": round(batch / median, 1),
        "peak_memory_bytes": peak_memory(),
        "torch": torch.__version__,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
