"""Checks that the styles compute the same step.

With the same weights, real images and latents, in f32 and without dropout, the gradients of D
and G must equal those of the default style.
"""

import argparse

import torch
from torch import nn

from data import read_images
from networks import ByteDropout, ToImages, ToUnits
from style_default import DefaultStyle
from style_expert import ExpertStyle
from systems import SYSTEMS

# Relative to the length of a network's whole gradient. Rounding causes 1e-7 to 1e-3, the most
# where batch norm divides by a small number. A wrong weight of a penalty, a loss over the wrong
# half or a gradient in another order causes 1e-1 and more.
TOLERANCE = 1e-2


def channels_last_order(network, values):
    """`values`, one for each parameter of a plain `network`, in the order of units of a
    channels-last network: [h, w, c] instead of [c, h, w]."""
    layers = list(network)
    owners = [layer for layer in layers for _ in layer.parameters()]
    for layer, value in zip(owners, values):
        at = layers.index(layer)
        images = [x for x in layers[at:] if isinstance(x, ToImages)]
        units = [x for x in layers[:at] if isinstance(x, ToUnits)]
        linears = [x for x in layers[:at] if isinstance(x, nn.Linear)]
        if images:
            value = value.unflatten(0, (images[0].channels, -1)).transpose(0, 1).flatten(0, 1)
        elif units and not linears and value.dim() == 2:
            channels = [x for x in layers[:at] if isinstance(x, nn.Conv2d)][-1].out_channels
            value = value.unflatten(1, (channels, -1)).transpose(1, 2).flatten(1)
        yield value


def without_dropout(style):
    for layer in [*style.g, *style.d]:
        if isinstance(layer, (nn.Dropout, nn.Dropout2d)):
            layer.p = 0.0
        elif isinstance(layer, ByteDropout):
            layer.least, layer.scale = 0, 1.0


def step_gradients(style, real, latents, finished):
    """The gradients of one step, read from the state of new optimizers."""
    drawn = iter(latents)
    style.latents = lambda: next(drawn)
    without_dropout(style)
    if isinstance(style, DefaultStyle):
        style.batches = iter([real.clone()])
    else:
        style.real_images = lambda: real.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    style.step(finished)
    gradients = []
    for network, adam in [(style.g, style.adam_g), (style.d, style.adam_d)]:
        means = [adam.state[p]["exp_avg"] for p in network.parameters()]
        gradients.append([mean / (1 - style.system.betas[0]) for mean in means])
    return gradients


def distance(name, system, images, style, finished):
    """The larger of G's and D's relative errors between `style` and the default."""
    torch.manual_seed(1)
    default = DefaultStyle(name, system, images, system.batch)
    other = ExpertStyle(name, system, images, system.batch, "f32", style)
    with torch.no_grad():
        for plain, mine in [(default.g, other.g), (default.d, other.d)]:
            values = channels_last_order(plain, plain.parameters())
            for p, value in zip(mine.parameters(), values):
                p.copy_(value)
    real = next(default.batches)
    latents = [default.latents(), default.latents()]
    wanted = step_gradients(default, real, latents, finished)
    given = step_gradients(other, real, latents, finished)
    worst = 0.0
    for plain, expected, found in zip((default.g, default.d), wanted, given):
        expected = torch.cat([v.flatten() for v in channels_last_order(plain, expected)])
        found = torch.cat([v.flatten() for v in found])
        worst = max(worst, ((found - expected).norm() / expected.norm()).item())
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder of MNIST's raw IDX files")
    parser.add_argument("--styles", nargs="+", default=["expert", "rewritten"])
    args = parser.parse_args()
    # A tenth is enough.
    images = read_images(args.data)[:6000]
    failed = False
    for name, system in SYSTEMS.items():
        for style in args.styles:
            # With and without penalties, where there are any.
            for finished in range(min(2, system.penalty_every)):
                off = distance(name, system, images, style, finished)
                failed |= not off < TOLERANCE
                print(f"{name} {style}, step {finished + 1}: {off:.1e}")
    if failed:
        raise SystemExit(f"gradients differ by more than {TOLERANCE} of their length")


if __name__ == "__main__":
    main()
