"""MNIST's images from its raw IDX file."""

from pathlib import Path

import numpy as np


def read_images(folder):
    """The training images, u8 [n, rows, columns]."""
    path = Path(folder) / "train-images-idx3-ubyte"
    raw = path.read_bytes()
    # Unsigned bytes, three axes, each axis's size as a big-endian u32.
    if len(raw) < 16 or raw[:4] != b"\x00\x00\x08\x03":
        raise SystemExit(f"{path}: not an IDX file of images")
    shape = tuple(int(n) for n in np.frombuffer(raw, ">u4", 3, 4))
    if len(raw) - 16 != shape[0] * shape[1] * shape[2]:
        raise SystemExit(f"{path}: {len(raw) - 16} bytes of pixels do not fit {shape}")
    return np.frombuffer(raw, np.uint8, offset=16).reshape(shape)
