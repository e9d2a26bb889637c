"""Tries what docs/reliability.md promises: kills, failing system calls, damaged files.

    python3 bench/faults.py kills  --forger PATH --data DIR [--trials 200]
    python3 bench/faults.py errors --forger PATH --data DIR [--trials 40]
    python3 bench/faults.py damage --forger PATH --data DIR --xtask PATH [--trials 500]

`kills` kills a trainer at its n-th system call (with strace), resumes the run, and compares it
with an uninterrupted one. `errors` lets a system call of a resumed trainer fail; no checkpoint and
no row may be lost. `damage` damages one file of a finished run and starts a command on it. The
command must refuse the run, or give its usual result, or name the damage. Nothing beside the run
may change. Each trial depends on --seed and its number only, so `--only N` repeats one.

Needs Linux, strace and Python 3.11. Each failure is one line; the last line counts the outcomes.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

# No evaluation during training.
QUICK = ["--set", "evaluate_every=0"]
PRESETS = {
    "modern": ["--steps", "8", "--batch", "16", *QUICK],
    "modern-conditional": ["--preset", "modern", "--conditional", "--steps", "8", "--batch", "16", *QUICK],
    "golbin": ["--preset", "golbin", "--steps", "24", *QUICK],
    "golbin-conditional": ["--preset", "golbin-conditional", "--steps", "24", *QUICK],
    "goodfellow": ["--preset", "goodfellow", "--steps", "8", "--set", "train_images=0", *QUICK],
    "gaussian": ["--preset", "gaussian", "--steps", "60"],
}
CALLS = ("rename", "fsync", "write", "mkdir", "unlink", "openat", "flock")
ERRORS = ("EIO", "ENOSPC", "EACCES", "EMFILE", "EDQUOT")
# A trainer that runs longer than this hangs, in seconds. strace slows it down.
TRAINING_LIMIT = 900
IMAGES = {"train": 2000, "t10k": 1000}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("kills", "errors", "damage"))
    parser.add_argument("--forger", required=True, type=Path)
    parser.add_argument("--xtask", type=Path)
    parser.add_argument("--data", required=True, type=Path, help="folder of plain MNIST files")
    parser.add_argument("--trials", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    parser.add_argument("--limit", type=float, default=10, help="seconds after which a damaged run hangs a command")
    options = parser.parse_args()
    if options.what == "damage" and not options.xtask:
        parser.error("damage needs --xtask")
    trials = options.trials or {"kills": 200, "errors": 40, "damage": 500}[options.what]
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        lab = Lab(options, Path(folder))
        trial = {"kills": kill, "errors": fail, "damage": damage}[options.what]
        outcomes = Counter()
        for number in range(trials) if options.only is None else [options.only]:
            outcome, detail = trial(lab, random.Random(f"{options.seed}-{number}"))
            outcomes[outcome] += 1
            if outcome in BAD:
                print(f"{number}: {outcome}: {detail}", flush=True)
        print(", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())))
        sys.exit(any(outcome in BAD for outcome in outcomes))


BAD = ("DIFFERENT", "LOST", "SILENT", "PANIC", "HANG", "OUTSIDE", "STUCK")


class Lab:
    """The programs, a small data set, and finished runs to compare with."""

    def __init__(self, options, folder):
        self.forger, self.xtask, self.folder = options.forger.resolve(), options.xtask, folder
        self.limit = options.limit
        self.data = folder / "data"
        self.data.mkdir()
        for split, count in IMAGES.items():
            for name, header, size in ((f"{split}-images-idx3-ubyte", 16, 784), (f"{split}-labels-idx1-ubyte", 8, 1)):
                content = (options.data / name).read_bytes()
                start = content[:4] + struct.pack(">I", count) + content[8:header]
                values = content[header : header + count * size]
                if size == 1 and options.what != "damage":
                    # With wrong labels, a run's end has no evaluation by the classifier.
                    values = bytes((value + 1) % 10 for value in values)
                (self.data / name).write_bytes(start + values)
        self.references, self.calls, self.partial = {}, {}, {}

    def train(self, preset, run):
        return [
            str(self.forger), "train", "--run", str(run), "--runs", str(self.folder / "runs"),
            *([] if preset == "gaussian" else ["--data", str(self.data)]), "--cache", str(self.folder / "cache"), "--threads", "1",
            "--checkpoint-every", "0.02", "--set", "report_every=3",
            *PRESETS[preset],
        ]  # fmt: skip

    def resume(self, run):
        cache = ["--cache", str(self.folder / "cache")]
        return [str(self.forger), "train", "--resume", str(run), "--checkpoint-every", "0.02", *cache]

    def reference(self, preset):
        """The digest of an uninterrupted run, and its number of each system call."""
        if preset not in self.references:
            run = self.folder / f"reference-{preset}"
            # The first run computes the statistics of the data set.
            result = call(self.train(preset, run))
            assert result.returncode == 0, result.stderr
            self.references[preset] = digest(run)
            shutil.rmtree(run)
            self.calls[preset] = self.count(self.train(preset, run))
            assert digest(run) == self.references[preset], "two uninterrupted runs differ"
        return self.references[preset], self.calls[preset]

    def count(self, command):
        """The number of each system call of a command's main thread: strace counts each thread's."""
        log = self.folder / "log"
        result = call(["strace", "-f", "-qq", "-o", str(log), "-e", "trace=" + ",".join(CALLS), *command])
        assert result.returncode == 0, result.stderr
        lines = [line.split(maxsplit=1) for line in log.read_text(errors="replace").splitlines()]
        return Counter(text.split("(")[0] for thread, text in lines if thread == lines[0][0] and "(" in text)


def call(command, folder=None, timeout=TRAINING_LIMIT):
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder,
        start_new_session=True,
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return subprocess.CompletedProcess(command, None, "", "")
    text = (stream.decode(errors="replace") for stream in (out, err))
    return subprocess.CompletedProcess(command, process.returncode, *text)


def digest(run):
    """What two equal runs have in common: all files, without times and their hashes."""
    found = {}
    for path in sorted(run.rglob("*")):
        name = str(path.relative_to(run))
        if path.is_dir() or name in ("lock", "checksums.jsonl") or name.startswith(("checkpoints/", "report")):
            continue
        if name.startswith("figures/"):
            found[name] = "a figure"
        elif name.endswith(".jsonl"):
            rows = [json.loads(line) for line in path.read_text().splitlines()]
            found[name] = [{k: v for k, v in row.items() if k != "seconds"} for row in rows]
        else:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    newest = max((run / "checkpoints").glob("*.safetensors"), default=None)
    if newest:
        content = newest.read_bytes()
        length = struct.unpack("<Q", content[:8])[0]
        found["weights"] = newest.name, hashlib.sha256(content[8 + length :]).hexdigest()
    return found


def inject(preset, counts, rng, action):
    name = rng.choice([name for name in CALLS if counts[name]])
    number = rng.randint(1, counts[name])
    fault = f"inject={name}:{action}:when={number}"
    return ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={name}", "-e", fault], f"{preset} {fault}"


def kill(lab, rng):
    preset = rng.choice(list(PRESETS))
    expected, counts = lab.reference(preset)
    run = lab.folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    strace, fault = inject(preset, counts, rng, "signal=SIGKILL")
    killed = call(strace + lab.train(preset, run)).returncode != 0
    begun = (run / "config.toml").exists()
    result = call(lab.resume(run) if begun else lab.train(preset, run))
    restarted = result.returncode and "--restart" in result.stderr
    if restarted:
        # Killed before its first checkpoint: the run begins anew only if the user says so.
        result = call([*lab.resume(run), "--restart"])
    if "panicked" in result.stderr:
        return "PANIC", f"{fault}: {result.stderr}"
    if bad := bad_end(result, run, expected, fault):
        return bad
    return ("not killed" if not killed else "restarted, then equal" if restarted else "equal"), ""


def bad_end(result, run, expected, fault):
    """The outcome if the command failed or the run differs from the uninterrupted one."""
    if result.returncode != 0:
        return "STUCK", f"{fault}: {result.stderr[-500:]}"
    found = digest(run)
    differing = [name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)]
    return ("DIFFERENT", f"{fault}: {differing}") if differing else None


def fail(lab, rng):
    preset = rng.choice(list(PRESETS))
    expected, counts = lab.reference(preset)
    run = lab.folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    if preset not in lab.partial:
        # A run that was killed at a flush in the middle of the training.
        half = max(1, counts["fsync"] // 2)
        fault = ["-e", f"inject=fsync:signal=SIGKILL:when={half}"]
        call(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", *fault] + lab.train(preset, run))
        partial = lab.folder / f"partial-{preset}"
        shutil.copytree(run, partial, symlinks=True)
        lab.partial[preset] = partial, lab.count(lab.resume(run))
        shutil.rmtree(run)
    partial, counts = lab.partial[preset]
    shutil.copytree(partial, run, symlinks=True)
    before = sorted(path.name for path in (run / "checkpoints").glob("*.safetensors"))
    strace, fault = inject(preset, counts, rng, f"error={rng.choice(ERRORS)}")
    result = call(strace + lab.resume(run))
    if result.returncode is None:
        return "HANG", fault
    if "panicked" in result.stderr:
        return "PANIC", f"{fault}: {result.stderr}"
    after = sorted(path.name for path in (run / "checkpoints").glob("*.safetensors"))
    if before and (not after or after[-1] < before[-1]):
        return "LOST", f"{fault}: checkpoints {before} became {after}"
    if bad := bad_end(call(lab.resume(run)), run, expected, fault):
        return bad
    return ("reported, then equal" if result.returncode else "not affected, equal"), ""


def files_of(folder):
    """The content and kind of everything in a folder, with the targets of links."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(folder))] = "link to " + os.readlink(path)
        elif path.is_file() and path.stat().st_size > 1 << 28:
            found[str(path.relative_to(folder))] = "huge"
        elif path.is_file():
            found[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            found[str(path.relative_to(folder))] = "other"
    return found


def damage(lab, rng):
    preset = rng.choice(("modern-conditional", "golbin", "gaussian"))
    # Every trial works in a folder with the run and, beside it, files that must not change.
    site = lab.folder / "site"
    shutil.rmtree(site, ignore_errors=True)
    run = site / "run"
    source = lab.folder / f"finished-{preset}"
    if not source.exists():
        run.parent.mkdir()
        result = call(lab.train(preset, run))
        assert result.returncode == 0, result.stderr
        run.rename(source)
    shutil.copytree(source, run, symlinks=True)
    (site / "outside").mkdir()
    (site / "victim").write_text("not part of the run\n")
    (site / "outside/000000.png").write_text("not part of the run\n")
    commands = {
        "sample": [str(lab.forger), "sample", "--run", "run", "--count", "16", "--out", str(lab.folder / "out.idx3")],
        "evaluate": [
            str(lab.forger), "evaluate", "--run", "run", "--against", str(lab.data), "--cache",
            str(lab.folder / "cache"), "--count", "1000", "--metrics", "fid,modes", "--json",
        ],
        "figures": [str(lab.xtask.resolve()), "figures", "--run", "run"],
        "report": [str(lab.xtask.resolve()), "report", "--run", "run"],
        "resume": [str(lab.forger), "train", "--resume", "run", "--cache", str(lab.folder / "cache")],
    }  # fmt: skip
    name = rng.choice([name for name in commands if preset != "gaussian" or name not in ("sample", "evaluate")])

    def start(limit):
        (lab.folder / "out.idx3").unlink(missing_ok=True)
        result = call(commands[name], site, limit)
        out = lab.folder / "out.idx3"
        # What the command is for: the samples, the numbers, the figures, the page.
        produced = {"out": out.read_bytes() if out.exists() else None}
        if name == "evaluate" and result.returncode == 0:
            numbers = json.loads(result.stdout)
            produced["metrics"] = {k: v for k, v in numbers.items() if "seconds" not in k}
        written = {"figures": "figures/", "resume": "figures/", "report": "report.html"}
        if name in written and result.returncode == 0:
            produced |= {k: v for k, v in files_of(run).items() if k.startswith(written[name])}
        return result, produced

    key = preset, name
    if key not in lab.references:
        usual, lab.references[key] = start(TRAINING_LIMIT)
        assert usual.returncode == 0, f"{name}: {usual.stderr}"
        shutil.rmtree(run)
        shutil.copytree(source, run, symlinks=True)
    paths = [path for path in sorted(run.rglob("*")) if path.name != "lock"]
    path = rng.choice([path for path in paths if path.is_file()] + [p for p in paths if p.is_dir()])
    how = apply(path, rng, site)
    detail = f"{preset}: {name} after {how} of {path.relative_to(run)}"
    untouched = {k: v for k, v in files_of(site).items() if k != "run" and not k.startswith("run/")}
    began = time.monotonic()
    result, produced = start(lab.limit)
    seconds = time.monotonic() - began
    after = {k: v for k, v in files_of(site).items() if k != "run" and not k.startswith("run/")}
    if after != untouched:
        return "OUTSIDE", detail
    if result.returncode is None:
        return "HANG", detail
    if "panicked" in result.stderr or result.returncode < 0:
        return "PANIC", f"{detail}: exit {result.returncode}: {result.stderr[-300:]}"
    if result.returncode != 0:
        return "refused", f"{seconds:.1f} s"
    if produced == lab.references[key]:
        return "usual result", ""
    if path.name in result.stderr + result.stdout:
        return "named", ""
    changed = [k for k in produced.keys() | lab.references[key].keys() if produced.get(k) != lab.references[key].get(k)]
    return "SILENT", f"{detail}: {changed}: {result.stderr[-300:]}"


def apply(path, rng, site):
    """Damages a file or a folder of the run, and describes how."""
    if path.is_dir():
        how = rng.choice(("a link", "a file instead"))
        shutil.rmtree(path)
        if how == "a link":
            path.symlink_to(site / "outside")
        elif how == "a file instead":
            path.write_text("x")
        return how
    how = rng.choice(("a flipped bit", "a cut", "zeros", "a link", "a folder", "a FIFO", "a sparse file"))
    content = bytearray(path.read_bytes())
    if how == "a flipped bit" and content:
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
    elif how == "a cut":
        path.write_bytes(content[: rng.randint(0, max(0, len(content) - 1))])
    elif how == "zeros" and content:
        start = rng.randrange(len(content))
        count = min(rng.randint(1, 64), len(content) - start)
        content[start : start + count] = bytes(count)
        path.write_bytes(content)
    elif how == "a sparse file":
        os.truncate(path, 100_000_000_000)
    else:
        path.unlink()
        if how == "a link":
            path.symlink_to(site / "victim")
        elif how == "a folder":
            path.mkdir()
        elif how == "a FIFO":
            os.mkfifo(path)
    return how


if __name__ == "__main__":
    main()
