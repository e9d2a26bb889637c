"""Measures the speed of everything and writes docs/benchmarks.md.

Start it with `cargo xtask bench`, which builds what it needs and passes the paths.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from statistics import median

# Python's isolated mode (-I) does not search this folder.
sys.path.insert(0, str(Path(__file__).resolve().parent))

import onednn
from page import cores, has_bf16, machine, mebibytes, number, percent, read
from page import ratios, replace_part, spread, table, values, write_part

SYSTEMS = ("modern", "dcgan", "oshea", "golbin")
STYLES = ("default", "expert", "compiled")
# Sampled digits, and the goal in seconds from a cold start.
COLD_STARTS = {64: "0.5", 10_000: "3"}
# Rows of a table of operators; the others are summed up in one row.
OPERATORS = 12


class Failed(Exception):
    """A measurement failed. The message goes into the page: no paths of this machine."""


def log(message):
    print(message, file=sys.stderr, flush=True)


def run(command, env=None):
    """Runs a command; returns its standard output."""
    command, env = [str(word) for word in command], {**os.environ, **(env or {})}
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=env
    )
    if done.returncode:
        log(f"failed: {' '.join(command)}\n{done.stderr.rstrip()}")
        raise Failed(done.stderr.strip().rpartition("\n")[2] or "no message")
    return done.stdout


def measurement(output):
    """The JSON object in the last line of a program's output, with the output."""
    last = output.strip().rpartition("\n")[2]
    try:
        return json.loads(last) | {"output": output}
    except (TypeError, json.JSONDecodeError):
        raise Failed(f"the last line of output is not a JSON object: {last!r}") from None


def in_turn(rounds, work):
    """Calls each function of `work` once per round; returns the results of each, in order."""
    results = {name: [] for name in work}
    for round in range(rounds):
        for name, measure in work.items():
            results[name].append(measure())
            log(f"{' '.join(map(str, name))}: {round + 1} of {rounds}")
    return results


class Bench:
    """The options, and the programs that measure."""

    def __init__(self, args):
        self.args = args
        bf16 = has_bf16(read("/proc/cpuinfo"))
        self.precisions = ("f32", "bf16") if bf16 else ("f32",)

    def forger(self, what, env=None, **options):
        """The result of `forger bench WHAT` with these options."""
        common = {"device": "cpu", "threads": self.args.threads, "seconds": self.args.seconds}
        words = [w for name, value in (common | options).items() for w in (f"--{name}", value)]
        return measurement(run([self.args.forger, "bench", what, *words], env))

    def steps(self, system, env=None, **options):
        common = {"preset": system, "data": self.args.data, "precision": self.precisions[-1]}
        return self.forger("steps", env, **(common | options))

    def peaks(self):
        return {("peak", p): partial(self.forger, "peak", precision=p) for p in self.precisions}


def steps(bench):
    """The steps of every system, and the machine's peak in the same rounds."""
    work = bench.peaks()
    for system in SYSTEMS:
        for precision in bench.precisions:
            work[system, precision] = partial(bench.steps, system, precision=precision)
    results = in_turn(bench.args.pairs, work)
    return {"steps": steps_text(results), "peak": peak_text(results)}


def steps_text(results):
    rows, gains = [], []
    for (system, precision), found in results.items():
        if system == "peak":
            continue
        rate = [r["flops_per_step"] / r["ms_per_step"] * 1e3 for r in found]
        images = values(found, "images_per_second")
        row = [f"{system} in {precision}", str(found[0]["batch"]), number(median(images))]
        row += [spread(values(found, "ms_per_step")), number(found[0]["flops_per_step"] / 1e9)]
        row.append(number(median(rate) / 1e9))
        for peak in ("convolution", "matrix_product"):
            shares = ratios(rate, values(results["peak", precision], peak))
            row.append(percent(median(shares)))
        rows.append([*row, mebibytes(found)])
        if precision == "bf16":
            f32 = values(results[system, "f32"], "images_per_second")
            gains.append([system, spread(ratios(images, f32))])
    head = ["system", "batch", "images/s", "ms/step", "GFLOP/step", "GFLOP/s"]
    head += ["share of convolution peak", "share of matrix peak", "peak memory"]
    gain = table(["system", "speed-up of bf16 over f32"], gains)
    return f"{table(head, rows)}\n{gain}" if gains else table(head, rows)


def peak(bench):
    return {"peak": peak_text(in_turn(bench.args.pairs, bench.peaks()))}


def peak_text(results):
    rows = []
    for (system, precision), found in results.items():
        if system == "peak":
            row = [f"{precision}, threads: {found[0]['threads']}"]
            for key in ("convolution_forward", "convolution", "matrix_product"):
                row.append(spread([rate / 1e9 for rate in values(found, key)]))
            rows.append(row)
    head = ["GFLOP/s", "convolution", "convolution and its gradients", "matrix product"]
    return table(head, rows)


def peers(bench):
    """Every system and every style of `bench/peers`, in pairs with forger."""
    python, failures = peers_python(bench), {}
    results = {(system, style): [] for system in SYSTEMS for style in STYLES}
    for system in SYSTEMS:
        for _ in range(bench.args.pairs):
            for style in STYLES:
                key = (system, style)
                if key in failures:
                    continue
                try:
                    pair = bench.steps(system), peer(bench, python, system, style)
                    for option in ("batch", "threads"):
                        if pair[0][option] != pair[1][option]:
                            raise Failed(f"PyTorch's {option} differs: {pair[1][option]}")
                except Failed as failure:
                    failures[key] = str(failure)
                else:
                    results[key].append(pair)
                    log(f"{', '.join(key)}: {len(results[key])} of {bench.args.pairs}")
    return {"peers": peers_text(results, failures)}


def peers_text(results, failures):
    rows, versions = [], set()
    for key, pairs in results.items():
        name = ", ".join(key)
        if key in failures:
            rows.append([name, "–", "failed", "–", "–", "–"])
            continue
        both = list(zip(*pairs))
        rates = [values(found, "images_per_second") for found in both]
        each = ratios(*rates)
        versions.update(values(both[1], "torch"))
        medians = [f"{number(median(r))} in {f[0]['precision']}" for r, f in zip(rates, both)]
        memory = ", ".join(map(mebibytes, both))
        rows.append([name, *medians, spread(each), ", ".join(map(number, each)), memory])
    head = ["system and style", "forger, images/s", "PyTorch, images/s", "forger / PyTorch"]
    text = table(head + ["each pair", "peak memory, forger and PyTorch"], rows)
    text += "".join(f"\n`{', '.join(key)}` failed: {why}\n" for key, why in failures.items())
    return f"{text}\nPyTorch {', '.join(sorted(versions))}.\n"


def peer(bench, python, system, style):
    args = bench.args
    command = [python, args.root / "bench/peers/peer.py", "--system", system, "--style", style]
    command += ["--threads", args.threads, "--seconds", args.seconds, "--data", args.data]
    if style != "default":  # It is always f32 and has no such option.
        command += ["--precision", bench.precisions[-1]]
    return measurement(run(command, {"PYTHONDONTWRITEBYTECODE": "1"}))


def peers_python(bench):
    """The Python of `target/peers`, an environment with the pinned PyTorch; made if needed."""
    wanted = bench.args.root / "bench/peers/requirements.txt"
    place = bench.args.root / "target/peers"
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    installed = place / "requirements.txt"
    if python.exists() and read(installed) == wanted.read_text():
        return python
    log(f"installing PyTorch into {place}: a download of about 2.5 GB, 5 GB on disk")
    pip = [python, "-m", "pip", "install", "--require-hashes", "--disable-pip-version-check"]
    for command in ([sys.executable, "-m", "venv", "--clear", place], [*pip, "-r", wanted]):
        if subprocess.run(command, stdout=sys.stderr).returncode:
            raise Failed(
                "PyTorch could not be installed; the messages are above. Debian and Ubuntu need "
                "`apt install python3-venv`. PyTorch is pinned for Python 3.11 to 3.13 on Linux "
                "x86-64. Leave --peers out to measure without PyTorch"
            )
    # The last file: an interrupted installation is repeated.
    shutil.copyfile(wanted, installed)
    return python


def scaling(bench):
    """`modern` with other batches, widths and numbers of threads."""
    batches, widths = ((16, 256), (2,)) if bench.args.quick else ((16, 64, 256, 1024), (2, 4))
    results = {}
    for batch, width in [*((batch, 1) for batch in batches), *((64, width) for width in widths)]:
        size = {"batch": batch, "width": width}
        work = {
            ("batch", batch, "width", width, "threads", threads): partial(
                bench.steps, "modern", threads=threads, **size
            )
            for threads in sorted({1, bench.args.threads})
        }
        results |= in_turn(bench.args.pairs, work)
    return {"scaling": scaling_text(results)}


def scaling_text(results):
    rows = []
    for (_, batch, _, width, _, threads), found in results.items():
        rates = values(found, "images_per_second")
        if threads == 1:
            single = rates
        row = [f"{batch}, ×{width}", str(threads), spread(values(found, "ms_per_step"))]
        row += [number(median(rates)), spread(ratios(rates, single)) if threads > 1 else "–"]
        rows.append([*row, mebibytes(found)])
    head = ["batch and width", "threads", "ms/step", "images/s", "speed-up over 1 thread"]
    return table([*head, "peak memory"], rows)


def operators(bench):
    """The operators of each system's step in oneDNN's log, on one thread. With two threads,
    `modern` computes two shards at the same time, and the times of both would add up to more
    than the step."""
    texts = []
    for system in SYSTEMS:
        # Writing the log takes time, so the whole step is timed without it.
        step = bench.steps(system, threads=1)
        logged = bench.steps(system, {"ONEDNN_VERBOSE": "profile_exec"}, threads=1)
        found = onednn.operators(logged["output"], logged["warm_up_steps"], logged["steps"])
        log(f"{system}: {len(found)} operators")
        texts.append(operators_text(step, found))
    return {"operators": "\n".join(texts)}


def operators_text(step, found):
    whole, total, counted = step["ms_per_step"], sum(o.ms for o in found), step["flops_per_step"]
    if total > whole:
        raise Failed(
            f"oneDNN reports {number(total)} ms per step of {step['system']}, but the step takes "
            f"{number(whole)} ms. Stop other programs and measure again"
        )
    shown, others = found[:OPERATORS], found[OPERATORS:]
    rows = [(o.name, o.calls, o.ms, o.flops) for o in shown]
    if others:
        calls, ms = sum(o.calls for o in others), sum(o.ms for o in others)
        rows.append((f"{len(others)} other operators of oneDNN", calls, ms, None))
    rows += [("everything else", None, whole - total, None), ("step", None, whole, counted)]
    rows = [
        [name, number(calls), number(ms), percent(ms / whole), number(flops and flops / ms / 1e6)]
        for name, calls, ms, flops in rows
    ]
    reported = "no calls of oneDNN"
    if found:
        unknown = any(o.flops is None for o in found)
        flops = None if unknown else sum(o.flops for o in found) / 1e9
        reported = f"{number(flops)} GFLOP/step reported by oneDNN"
    return (
        f"### `{step['system']}`\n\nBatch {step['batch']}, {step['precision']}, threads: "
        f"{step['threads']}. {number(counted / 1e9)} GFLOP/step counted from the layers, "
        f"{reported}.\n\n"
    ) + table(["operator", "calls/step", "ms/step", "share of the step", "GFLOP/s"], rows)


def sampling(bench):
    """Sampling from a cold start to a PNG, and in bulk within a process."""
    run_dir = bench.args.run or train(bench)
    # Brings the files that a start needs into the operating system's cache.
    cold_start(bench, run_dir, 1)
    work = {("cold", count): partial(cold_start, bench, run_dir, count) for count in COLD_STARTS}
    work |= {("bulk", s): partial(bench.forger, "sampling", preset=s) for s in SYSTEMS}
    return {"sampling": sampling_text(in_turn(bench.args.pairs, work))}


def sampling_text(results):
    cold = [
        [f"{count:,} digits of `modern`", spread(results["cold", count]), f"under {goal}"]
        for count, goal in COLD_STARTS.items()
    ]
    bulk = [[s, spread(values(results["bulk", s], "images_per_second"))] for s in SYSTEMS]
    text = table(["from a cold start to a PNG", "seconds", "goal"], cold)
    return f"{text}\n{table(['in bulk', 'images/s'], bulk)}"


def train(bench):
    """A run of `modern` after a few steps; the quality of its digits does not matter here."""
    args, run_dir = bench.args, bench.args.scratch / "run"
    shutil.rmtree(run_dir, ignore_errors=True)
    paths = ["--data", args.data, "--run", run_dir, "--runs", args.scratch, "--cache", args.cache]
    run([args.forger, "train", "--steps", 40, "--set", "evaluate_every=0", *paths])
    return run_dir


def cold_start(bench, run_dir, count):
    """Seconds from the start of `forger sample` to its end."""
    options = ["--count", count, "--threads", bench.args.threads, "--run", run_dir]
    begin = time.perf_counter()
    run([bench.args.forger, "sample", *options, "--out", bench.args.scratch / "sample.png"])
    return time.perf_counter() - begin


def formats(bench):
    """The benchmarks of the crates without libtorch, which criterion runs."""
    home = bench.args.scratch / "criterion"
    shutil.rmtree(home, ignore_errors=True)
    # The profile of all other builds, so that nothing is built twice.
    command = [os.environ.get("CARGO", "cargo"), "bench", "--profile", "dev"]
    command += ["-p", "mnist-io", "--bench", "idx", "-p", "gan-viz", "--bench", "pictures"]
    command += ["--", "--noplot", "--measurement-time", str(bench.args.seconds)]
    if bench.args.quick:
        command += ["--warm-up-time", "0.1", "--sample-size", "10"]
    env = {**os.environ, "CRITERION_HOME": str(home)}
    if subprocess.run(command, cwd=bench.args.root, env=env, stdout=sys.stderr).returncode:
        raise Failed("`cargo bench` failed; its messages are above")
    return {"formats": formats_text(home)}


def formats_text(home):
    """A row for each benchmark whose results criterion wrote below `home`."""
    rows = []
    for path in home.rglob("new/benchmark.json"):
        name = json.loads(path.read_text())
        estimate = json.loads(path.with_name("estimates.json").read_text())["median"]
        interval = estimate["confidence_interval"]
        ns = estimate["point_estimate"], interval["lower_bound"], interval["upper_bound"]
        middle, low, high = (number(t / 1e6) for t in ns)
        size = (name["throughput"] or {}).get("Bytes")
        label = f"{name['group_id']}: {name['function_id']}"
        rows.append([label, f"{middle} ({low} to {high})", number(size and size / ns[0])])
    return table(["benchmark", "ms, median (95% interval)", "GB/s"], sorted(rows))


# In the order of the page.
PARTS = {f.__name__: f for f in (steps, peak, peers, scaling, operators, sampling, formats)}


def selected(only, with_peers):
    """The parts to measure, in the order of the page."""
    parts = set(only or PARTS.keys() - {"peers"}) | ({"peers"} if with_peers else set())
    # Steps measure the peak too.
    return [p for p in PARTS if p in parts and not (p == "peak" and "steps" in parts)]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    for path in ("--root", "--forger", "--data", "--scratch", "--cache"):
        parser.add_argument(path, type=Path, required=True)
    parser.add_argument("--libtorch", required=True, help="its version")
    parser.add_argument("--run", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--only", type=lambda parts: parts.split(","), action="extend")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--pairs", type=int)
    parser.add_argument("--threads", type=int, default=cores())
    args = parser.parse_args()
    unknown = set(args.only or []) - PARTS.keys()
    if unknown:
        parser.error(f"--only {','.join(sorted(unknown))}: the parts are {', '.join(PARTS)}")
    args.seconds = args.seconds or (0.3 if args.quick else 5.0)
    args.pairs = args.pairs or (1 if args.quick else 5)
    return args


def page_path(args):
    """The page, or with --quick a copy of it without results."""
    page = args.root / "docs/benchmarks.md"
    text = page.read_text(encoding="utf-8")
    for part in PARTS:
        text = replace_part(text, part, "Not measured.\n")
    if not args.quick:
        return page
    path = args.scratch / "quick.md"
    path.write_text(text, encoding="utf-8")
    return path


def main():
    args = arguments()
    bench, path, failed = Bench(args), page_path(args), False
    where = machine(args.root, args.libtorch)
    how = f"--seconds {args.seconds:g} --pairs {args.pairs} --threads {args.threads}"
    for part in selected(args.only, args.peers):
        log(f"\n== {part}")
        try:
            texts = PARTS[part](bench)
        except (Failed, OSError) as failure:
            log(f"error: the part `{part}` could not be measured: {failure}")
            failed = True
            continue
        for name, text in texts.items():
            write_part(path, name, f"{text}\n`cargo xtask bench --only {name} {how}`: {where}\n")
            print(text, flush=True)
        log(f"written: {path}")
    return int(failed)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
