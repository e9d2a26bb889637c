"""Numbers, tables, the description of the machine, and the page of results."""

import datetime
import math
import os
import platform
import re
import statistics
import subprocess
from pathlib import Path


def number(value):
    """Three significant digits; whole numbers from 100 on, with commas."""
    if value is None or not math.isfinite(value):
        return "–"
    size = abs(value)
    if size >= 99.95:
        return f"{value:,.0f}"
    for least, decimals in ((9.995, 1), (0.9995, 2), (0.09995, 3)):
        if size >= least:
            return f"{value:.{decimals}f}"
    return f"{value:.4f}"


def percent(share):
    return f"{100 * share:.0f}%"


def values(results, key):
    return [result[key] for result in results]


def mebibytes(results):
    """The largest peak memory of some measurements."""
    sizes = [r["peak_memory_bytes"] for r in results if r.get("peak_memory_bytes")]
    return f"{max(sizes) >> 20:,} MiB" if sizes else "–"


def spread(values):
    """`1.52 (1.48 to 1.60)`: median, smallest and largest."""
    middle, least, most = statistics.median(values), min(values), max(values)
    return f"{number(middle)} ({number(least)} to {number(most)})"


def ratios(a, b):
    """a / b within each pair. The speed of a machine drifts; a ratio of medians would
    compare measurements of different times."""
    return [x / y for x, y in zip(a, b, strict=True)]


def table(head, rows):
    """A Markdown table: the first column aligned left, the others right."""
    rule = ["---"] + ["---:"] * (len(head) - 1)
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join(rule)}|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def marked(part):
    """Matches a part of the page between its markers."""
    begin, end = f"<!-- measured: {part} -->\n", f"<!-- end of {part} -->"
    return re.compile(f"({re.escape(begin)}).*?({re.escape(end)})", re.DOTALL)


def replace_part(page, part, text):
    """The page with `text` between the markers of `part`."""
    page, count = marked(part).subn(lambda m: m[1] + text + m[2], page)
    if count != 1:
        raise SystemExit(
            f"error: docs/benchmarks.md needs the markers of the part `{part}` exactly once; "
            "restore the page with `git checkout docs/benchmarks.md`"
        )
    return page


def write_part(path, part, text):
    """Replaces one part of the page at `path`. The file is never incomplete."""
    page = replace_part(path.read_text(encoding="utf-8"), part, text)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(page, encoding="utf-8")
    os.replace(temporary, path)


def field(text, name):
    """The value of the first line `NAME : value`."""
    match = re.search(rf"^{name}\s*:\s*(.*)$", text, re.MULTILINE)
    return match[1].strip() if match else None


def has_bf16(cpuinfo):
    """Whether the processor of this `/proc/cpuinfo` multiplies bf16 numbers."""
    flags = field(cpuinfo, "flags") or field(cpuinfo, "Features") or ""
    return not {"avx512_bf16", "bf16"}.isdisjoint(flags.split())


def read(path):
    """The text of a file; empty if there is no such file."""
    path = Path(path)
    return path.read_text() if path.exists() else ""


def cores():
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def machine(root, libtorch):
    """The machine, the versions, the commit and the date in one line."""

    # A repository around the workspace can be a stranger's. Its settings can start programs.
    env = {**os.environ, "GIT_CEILING_DIRECTORIES": str(root.resolve().parent)}

    def output(*command):
        try:
            done = subprocess.run(
                command, cwd=root, env=env, capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError):
            return None
        return done.stdout.strip()

    cpuinfo = read("/proc/cpuinfo")
    memory = field(read("/proc/meminfo"), "MemTotal")
    gibibytes = f"{int(memory.split()[0]) / 2**20:.0f} GiB" if memory else "unknown"
    lock = (root / "Cargo.lock").read_text(encoding="utf-8")
    tch = re.search(r'name = "tch"\nversion = "(.*?)"', lock)
    commit = output("git", "rev-parse", "--short", "HEAD") or "unknown"
    if output("git", "-c", "core.fsmonitor=false", "status", "--porcelain", "--untracked-files=no"):
        commit += " with changes"
    return (
        f"{field(cpuinfo, 'model name') or platform.machine()}, cores: {cores()}, "
        f"bf16 instructions: {'yes' if has_bf16(cpuinfo) else 'no'}, memory: {gibibytes}; "
        f"{output('rustc', '--version') or 'rustc unknown'}, libtorch {libtorch}, "
        f"tch {tch[1] if tch else 'unknown'}; commit {commit}; {datetime.date.today()}"
    )
