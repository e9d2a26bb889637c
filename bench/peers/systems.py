"""The definition of each system, for all styles."""

from dataclasses import dataclass

import torch
from torch.nn import functional


@dataclass(frozen=True)
class System:
    """The definition of a preset of `forger`."""

    latent: int
    side: int
    symmetric: bool
    """Pixels in [-1, 1] instead of [0, 1]."""
    parameters: tuple[int, int]
    """Of G and of D, from `crates/models/tests/models/networks.rs`."""
    batch: int
    train_images: int
    lr_g: float
    lr_d: float
    betas: tuple[float, float]
    epsilon: float = 1e-8
    uniform_latents: bool = False
    """Uniform on [0, 1) instead of standard normal."""
    groups: int = 0
    """Size of a one-hot part of the latent; 0 for none."""
    apart: float = 0.0
    """The value of the group's element in the one-hot part."""
    with_replacement: bool = False
    shared_latents: bool = False
    """G's update uses the fake images of D's update instead of new ones."""
    simultaneous: bool = False
    """Both updates use the other network's weights from before the step."""
    penalty: float = 0.0
    """The gamma of R1 and of R2."""
    penalty_every: int = 1
    d_loss_weight: float = 1.0
    logit_limit: float = 0.0
    ema_images: float = 0.0
    """Half-life of the averaged weights of G in images; 0 for none."""

    def latents(self, n: int) -> torch.Tensor:
        """New latents, [n, latent + groups]."""
        draw = torch.rand if self.uniform_latents else torch.randn
        values = draw(n, self.latent)
        if not self.groups:
            return values
        group = functional.one_hot(torch.randint(self.groups, (n,)), self.groups)
        return torch.cat([values, group * self.apart], 1)

    def ema_decay(self, batch: int, images_seen: int) -> float:
        """The decay of an update of the average, with the ramp-up of 0.05 of Karras et al. 2020."""
        half_life = min(self.ema_images, 0.05 * images_seen)
        return 0.5 ** (batch / half_life)


SYSTEMS = {
    "modern": System(
        latent=16,
        groups=10,
        apart=2.0,
        side=28,
        symmetric=True,
        parameters=(164_804, 146_849),
        batch=32,
        train_images=60_000,
        lr_g=2e-3,
        lr_d=2e-3,
        betas=(0.0, 0.99),
        penalty=1.0,
        penalty_every=16,
        ema_images=10_000.0,
    ),
    "oshea": System(
        latent=100,
        side=28,
        symmetric=False,
        parameters=(4_262_913, 9_707_266),
        batch=32,
        train_images=60_000,
        lr_g=1e-4,
        lr_d=1e-3,
        betas=(0.9, 0.999),
        uniform_latents=True,
        with_replacement=True,
        d_loss_weight=0.5,
        # Probabilities clipped to [1e-7, 1 - 1e-7]: ln(1e7 - 1).
        logit_limit=16.118_095_550_958_32,
    ),
    "golbin": System(
        latent=128,
        side=28,
        symmetric=False,
        parameters=(129 * 256 + 257 * 784, 785 * 256 + 257),
        batch=100,
        train_images=55_000,
        lr_g=2e-4,
        lr_d=2e-4,
        betas=(0.9, 0.999),
        shared_latents=True,
    ),
    "dcgan": System(
        latent=100,
        side=32,
        symmetric=True,
        parameters=(
            101 * 8192
            + 256
            + (128 * 128 * 9 + 128 + 256)
            + (128 * 64 * 9 + 64 + 128)
            + (64 * 9 + 1),
            (9 + 1) * 16
            + (16 * 32 * 9 + 3 * 32)
            + (32 * 64 * 9 + 3 * 64)
            + (64 * 128 * 9 + 3 * 128)
            + 513,
        ),
        batch=64,
        train_images=60_000,
        lr_g=2e-4,
        lr_d=2e-4,
        betas=(0.5, 0.999),
        shared_latents=True,
        simultaneous=True,
        d_loss_weight=0.5,
    ),
}
