"""The four pairs of networks: plain, channels-last, or with some layers replaced by cheaper
ones that compute the same.

Plain and channels-last networks order the units of a vector differently (c, h, w or h, w, c),
and their batch norm reads its input in a different layout.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn


class ToImages(nn.Module):
    """[n, c * h * w] -> [n, c, h, w], optionally channels-last, without a copy."""

    def __init__(self, channels, side, channels_last):
        super().__init__()
        self.channels, self.side, self.channels_last = channels, side, channels_last

    def forward(self, x):
        if self.channels_last:
            return x.view(-1, self.side, self.side, self.channels).permute(0, 3, 1, 2)
        return x.view(-1, self.channels, self.side, self.side)


class ToUnits(nn.Module):
    """[n, c, h, w] -> [n, c * h * w], without a copy if the input is channels-last."""

    def __init__(self, channels_last):
        super().__init__()
        self.channels_last = channels_last

    def forward(self, x):
        return (x.permute(0, 2, 3, 1) if self.channels_last else x).flatten(1)


class ColumnNorm(nn.BatchNorm2d):
    """Batch norm over the last axis of [n, c, h, columns], Keras's default with channels
    first."""

    def forward(self, x):
        return super().forward(x.transpose(1, 3)).transpose(1, 3)


class FlatNorm(nn.BatchNorm1d):
    """Batch norm of channels-last [n, c, h, w] over channels or columns. Reads the input as
    [n * h * w, c] or [n * h, w, c], without a copy."""

    def __init__(self, size, eps, columns=False):
        # Sampling uses the batch's statistics too, so no running statistics are needed.
        super().__init__(size, eps=eps, track_running_stats=False)
        self.last = 1 if columns else 2

    def forward(self, x):
        x = x.permute(0, 2, 3, 1)
        return super().forward(x.flatten(0, self.last)).view(x.shape).permute(0, 3, 1, 2)


class UpsampleConv(nn.Conv2d):
    """Nearest-neighbor upsampling and a 3x3 convolution as one transposed convolution with
    kernel 4 and stride 2. Its taps are sums of taps of the 3x3 kernel. It needs 4/9 of the
    operations (Karras et al. 2018 fuse both in the same way)."""

    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs, 3, padding=1)
        sums = torch.tensor([[0.0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]])
        self.register_buffer("sums", torch.kron(sums, sums), persistent=False)

    def forward(self, x):
        o, i = self.weight.shape[:2]
        # In the memory layout of the kernels: [16, 9] times [o, 9, i].
        flat = self.weight.permute(0, 2, 3, 1).reshape(o, 9, i)
        kernels = self.sums.matmul(flat).view(o, 4, 4, i).permute(3, 0, 1, 2)
        kernels = kernels.contiguous(memory_format=torch.channels_last)
        return F.conv_transpose2d(x, kernels, self.bias, stride=2, padding=1)


class ByteDropout(nn.Module):
    """Dropout with one random 64-bit number for eight values; exact for rates that are
    multiples of 1/256."""

    def __init__(self, rate):
        super().__init__()
        self.least, self.scale = round(rate * 256), 1.0 / (1.0 - rate)

    def forward(self, x):
        draws = torch.empty((x.numel() + 7) // 8, dtype=torch.long).random_(-(2**63), None)
        kept = draws.view(torch.uint8)[: x.numel()] >= self.least
        if x.dim() == 4:
            n, c, h, w = x.shape
            kept = kept.view(n, h, w, c).permute(0, 3, 1, 2)
        else:
            kept = kept.view(x.shape)
        return x * (kept.to(x.dtype) * self.scale)


class Ink(nn.Module):
    """The identity in [-1, 1], -1 in [-1.5, -1), slope 0.1 outside of both. The gradient is
    0.1 everywhere outside [-1, 1]."""

    def forward(self, x):
        inside = x.clamp(-1.0, 1.0)
        black = (x.clamp(-1.5, 1.0) - inside).detach()
        return inside + (x - inside - black) * 0.1


class ToBlocks(nn.Module):
    """[n, 1, 28, 28] -> [n, 4, 14, 14]."""

    def __init__(self, channels_last):
        super().__init__()
        layout = torch.channels_last if channels_last else torch.contiguous_format
        self.unshuffle, self.layout = nn.PixelUnshuffle(2), layout

    def forward(self, x):
        return self.unshuffle(x).contiguous(memory_format=self.layout)


def up(inputs, outputs, rewritten):
    """Upsampling by 2, then a 3x3 convolution."""
    if rewritten:
        return [UpsampleConv(inputs, outputs)]
    return [nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, 3, padding=1)]


def modern(channels_last, _rewritten):
    """Without normalization; images enter and leave as 2x2 blocks."""
    leaky = lambda: nn.LeakyReLU(0.2)
    g = nn.Sequential(
        nn.Linear(16 + 10, 49 * 64),
        leaky(),
        ToImages(64, 7, channels_last),
        nn.Conv2d(64, 64, 3, padding=1),
        leaky(),
        nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1),
        leaky(),
        nn.Conv2d(32, 32, 3, padding=1),
        leaky(),
        nn.Conv2d(32, 4, 3, padding=1),
        nn.PixelShuffle(2),
        Ink(),
    )
    d = nn.Sequential(
        ToBlocks(channels_last),
        nn.Conv2d(4, 32, 3, padding=1),
        leaky(),
        nn.Conv2d(32, 64, 4, stride=2, padding=1),
        leaky(),
        nn.Conv2d(64, 64, 3, padding=1),
        leaky(),
        nn.Conv2d(64, 128, 3, stride=2, padding=1),
        leaky(),
        ToUnits(channels_last),
        nn.Linear(16 * 128, 1),
    )

    def init(layer):
        fan_in = layer.weight[0].numel()
        if fan_in == 16 + 10:
            fan_in = 16  # Only the values of the latent.
        if isinstance(layer, nn.ConvTranspose2d):
            fan_in = 64 * 4  # 2x2 taps of the 4x4 kernel contribute to an output pixel.
        # He et al. 2015 for a leaky ReLU.
        nn.init.normal_(layer.weight, 0.0, math.sqrt(2.0 / (1.0 + 0.2**2) / fan_in))
        nn.init.zeros_(layer.bias)

    return g, d, init


def oshea(channels_last, rewritten):
    """O'Shea's KerasGAN; D returns two logits, for fake and real."""
    if channels_last:
        column_norm = lambda: FlatNorm(28, eps=1e-6, columns=True)
        unit_norm = nn.BatchNorm1d(39_200, eps=1e-6, track_running_stats=False)
    else:
        column_norm = lambda: ColumnNorm(28, eps=1e-6)
        unit_norm = nn.BatchNorm1d(39_200, eps=1e-6)
    g = nn.Sequential(
        nn.Linear(100, 39_200),
        unit_norm,
        nn.ReLU(),
        ToImages(200, 14, channels_last),
        *up(200, 100, rewritten),
        column_norm(),
        nn.ReLU(),
        nn.Conv2d(100, 50, 3, padding=1),
        column_norm(),
        nn.ReLU(),
        nn.Conv2d(50, 1, 1),
        nn.Sigmoid(),
    )
    dropout = ByteDropout if rewritten else nn.Dropout
    d = nn.Sequential(
        nn.Conv2d(1, 256, 5, stride=2, padding=2),
        nn.ReLU(),
        dropout(0.25),
        nn.Conv2d(256, 512, 5, stride=2, padding=2),
        nn.ReLU(),
        dropout(0.25),
        ToUnits(channels_last),
        nn.Linear(512 * 49, 256),
        nn.LeakyReLU(0.2),
        dropout(0.25),
        nn.Linear(256, 2),
    )

    def init(layer):
        if layer is g[0]:
            nn.init.xavier_normal_(layer.weight)
        else:
            nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)

    return g, d, init


def golbin(_channels_last, _rewritten):
    """Two perceptrons on vectors; the layout of images does not matter."""
    g = nn.Sequential(
        nn.Linear(128, 256),
        nn.ReLU(),
        nn.Linear(256, 784),
        nn.Sigmoid(),
        nn.Unflatten(1, (1, 28, 28)),
    )
    d = nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 1))

    def init(layer):
        nn.init.normal_(layer.weight, 0.0, 0.01)
        nn.init.zeros_(layer.bias)

    return g, d, init


def dcgan(channels_last, rewritten):
    """PyTorch-GAN's DCGAN, with its batch norm epsilon of 0.8."""
    norm = FlatNorm if channels_last else nn.BatchNorm2d
    # FlatNorm returns a view; in place on a view, autograd would copy.
    leaky = lambda: nn.LeakyReLU(0.2, inplace=not channels_last)
    g = nn.Sequential(
        nn.Linear(100, 128 * 8 * 8),
        ToImages(128, 8, channels_last),
        norm(128, eps=1e-5),
        *up(128, 128, rewritten),
        norm(128, eps=0.8),
        leaky(),
        *up(128, 64, rewritten),
        norm(64, eps=0.8),
        leaky(),
        nn.Conv2d(64, 1, 3, padding=1),
        nn.Tanh(),
    )

    def down(inputs, outputs, *last):
        conv = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)
        return [conv, leaky(), nn.Dropout2d(0.25), *last]

    d = nn.Sequential(
        *down(1, 16),
        *down(16, 32, norm(32, eps=0.8)),
        *down(32, 64, norm(64, eps=0.8)),
        *down(64, 128, norm(128, eps=0.8)),
        ToUnits(channels_last),
        nn.Linear(512, 1),
    )

    def init(layer):
        # Dense layers and biases keep PyTorch's initialization.
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)) and layer.affine:
            nn.init.normal_(layer.weight, 1.0, 0.02)

    return g, d, init


BUILDERS = {"modern": modern, "oshea": oshea, "golbin": golbin, "dcgan": dcgan}


def build(name, system, channels_last, rewritten=False):
    """G and D of the system; exits if their numbers of parameters are wrong."""
    g, d, init = BUILDERS[name](channels_last, rewritten)
    for network in (g, d):
        for layer in network.modules():
            is_norm = isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d))
            if hasattr(layer, "weight") and (name == "dcgan" or not is_norm):
                init(layer)
    sizes = tuple(sum(p.numel() for p in n.parameters()) for n in (g, d))
    if sizes != system.parameters:
        raise SystemExit(
            f"{name}: G and D have {sizes} parameters; systems.py expects {system.parameters}"
        )
    if channels_last:
        g, d = (n.to(memory_format=torch.channels_last) for n in (g, d))
    return g, d
