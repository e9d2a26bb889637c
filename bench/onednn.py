"""Sums up the log that oneDNN writes with ONEDNN_VERBOSE=profile_exec."""

import math
import re
from dataclasses import dataclass

DIRECTIONS = {
    "backward_data": ", input gradient",
    "backward_weights": ", weight gradient",
}


@dataclass
class Operator:
    """All calls of one operator with one shape, averaged over steps."""

    name: str
    calls: float
    ms: float
    flops: float | None
    """Floating-point operations; None if the shape does not determine them."""


def operators(log, warm_up, steps):
    """The operators of `steps` steps that follow `warm_up` others, slowest first."""
    lines = [line for line in map(parse, log.splitlines()) if line]
    # Both numbers are whole periods of the penalties, and every period does the same work.
    skipped = round(len(lines) * warm_up / (warm_up + steps))
    sums = {}
    for name, ms, flops in lines[skipped:]:
        total = sums.setdefault(name, Operator(name, 0, 0, 0))
        total.calls += 1 / steps
        total.ms += ms / steps
        total.flops = None if flops is None or total.flops is None else total.flops + flops / steps
    return sorted(sums.values(), key=lambda total: -total.ms)


def parse(line):
    """Name, milliseconds and operations of a line
    `onednn_verbose,v1,primitive,exec,cpu,KIND,IMPLEMENTATION,DIRECTION,…,PROBLEM,MS`;
    None for other lines."""
    fields = line.split(",")
    if fields[:1] + fields[2:4] != ["onednn_verbose", "primitive", "exec"]:
        return None
    kind, direction, problem, ms = fields[5], fields[7], fields[-2], float(fields[-1])
    return f"{kind}{DIRECTIONS.get(direction, '')}: `{problem}`", ms, count_flops(kind, problem)


def count_flops(kind, problem):
    """Multiplications and additions; 0 for operators without products."""
    if kind in ("convolution", "deconvolution"):
        # mb16_ic64oc32_ih7oh14kh4sh2dh0ph1_iw7ow14kw4sw2dw0pw1; a transposed convolution
        # applies its kernel at each position of the input.
        at = ("oh", "ow") if kind == "convolution" else ("ih", "iw")
        found = [re.search(rf"{key}(\d+)", problem) for key in ("mb", "ic", "oc", "kh", "kw", *at)]
        return 2.0 * math.prod(int(m[1]) for m in found) if all(found) else None
    if kind in ("matmul", "inner_product"):
        # [batch x] rows x inner : [batch x] inner x columns
        match = re.match(r"([\dx]+):[\dx]*?(\d+)(?::|$)", problem)
        return 2.0 * math.prod(map(int, match[1].split("x"))) * int(match[2]) if match else None
    return 0.0
