"""Trains with two builds of forger, idle and beside busy loops, and prints a table.

    python3 bench/busy.py --before OLD/forger --after target/debug/forger --data data/mnist

Both builds train each preset in turn with their default number of threads, a fixed time each,
and are then killed. Images/s come from the rows of metrics.jsonl after the first fifth.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent))

from page import cores, number, ratios, spread, table

PRESETS = ("modern", "golbin", "dcgan", "goodfellow", "gaussian")


def start(command, **options):
    """A process in a group and session of its own, as a program of another terminal."""
    return subprocess.Popen(command, start_new_session=True, **options)


def stop(process):
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def rows(path):
    """The complete rows of a file; none if there is no file yet."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def wait(process, command, is_done):
    while not is_done():
        if process.poll() is not None:
            raise SystemExit(f"error: it ended early: {' '.join(map(str, command))}")
        time.sleep(0.05)


def images_per_second(forger, preset, args):
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = [forger, "train", "--preset", preset, "--steps", "10000000", "--run", run]
        command += ["--runs", folder, "--cache", args.cache, "--checkpoint-every", "0"]
        command += ["--snapshot-every", "100000000", "--set", "report_every=1"]
        images = ["--data", args.data, "--set", "evaluate_every=0"]
        command += [] if preset == "gaussian" else images
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = start(command, **quiet)
        try:
            wait(process, command, lambda: rows(run / "metrics.jsonl"))
            time.sleep(args.seconds)
            # Beside other programs, two rows can take many seconds.
            wait(process, command, lambda: len(rows(run / "metrics.jsonl")) > 2)
        finally:
            if process.poll() is None:
                stop(process)
        found = rows(run / "metrics.jsonl")
    first = found[len(found) // 5]
    images = found[-1]["images_seen"] - first["images_seen"]
    return images / max(found[-1]["seconds"] - first["seconds"], 1e-9)


def measure(args):
    """A table of images/s and their ratios."""
    lines = []
    for preset in args.presets:
        for load in range(3):
            found = {args.before: [], args.after: []}
            for pair in range(args.pairs):
                for forger in sorted(found, reverse=pair % 2 == 1):
                    loops = [start(["sh", "-c", "while :; do :; done"]) for _ in range(load)]
                    try:
                        found[forger].append(images_per_second(forger, preset, args))
                    finally:
                        for loop in loops:
                            stop(loop)
            before, after = found[args.before], found[args.after]
            line = [preset, str(load), number(median(before)), number(median(after))]
            lines.append([*line, spread(ratios(after, before))])
            print(" ".join(lines[-1]), file=sys.stderr, flush=True)
    return table(["preset", "busy loops", "before", "after", "after / before"], lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for path in ("--before", "--after", "--data"):
        parser.add_argument(path, type=lambda path: str(Path(path).resolve()), required=True)
    parser.add_argument("--cache", default=str(Path(tempfile.gettempdir()) / "busy-cache"))
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--presets", nargs="+", default=PRESETS)
    args = parser.parse_args()
    print(f"{measure(args)}\nImages/s, {cores()} cores, load at the end: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
