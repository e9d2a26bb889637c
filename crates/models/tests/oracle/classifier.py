"""Features and logits of the classifier for four images, in f64, without libtorch.

Run in crates/models, with Python 3.11.7 and NumPy 2.4.6:

    python3 tests/oracle/classifier.py ../../data/mnist > tests/oracle/classifier.txt

Each line has the name of an image, 128 features and 10 logits.
"""

import json
import pathlib
import sys

import numpy as np


def parameters(path):
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    header.pop("__metadata__", None)
    data = raw[8 + size :]
    return {
        name: np.frombuffer(data[slice(*entry["data_offsets"])], "<f4")
        .reshape(entry["shape"])
        .astype(np.float64)
        for name, entry in header.items()
    }


def conv(x, weight, bias):
    """[in, h, w] -> [out, h, w], kernel 5, padding 2."""
    _, h, w = x.shape
    x = np.pad(x, ((0, 0), (2, 2), (2, 2)))
    y = np.zeros((weight.shape[0], h, w)) + bias[:, None, None]
    for row in range(5):
        for col in range(5):
            window = x[:, row : row + h, col : col + w]
            y += np.einsum("oi,ihw->ohw", weight[:, :, row, col], window)
    return y


def pool(x):
    c, h, w = x.shape
    return x.reshape(c, h // 2, 2, w // 2, 2).max(axis=(2, 4))


def classify(p, image):
    x = image[None].astype(np.float64) / 255
    x = pool(np.maximum(conv(x, p["conv1.weight"], p["conv1.bias"]), 0))
    x = pool(np.maximum(conv(x, p["conv2.weight"], p["conv2.bias"]), 0))
    x = x.transpose(1, 2, 0).reshape(-1)  # row, column, channel
    features = np.maximum(p["dense.weight"] @ x + p["dense.bias"], 0)
    return features, p["output.weight"] @ features + p["output.bias"]


crate = pathlib.Path(__file__).parents[2]
p = parameters(crate / "weights" / "classifier.safetensors")
raw = pathlib.Path(sys.argv[1], "t10k-images-idx3-ubyte").read_bytes()
test = np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 28, 28)
row, col = np.mgrid[:28, :28]
images = {
    "0": test[0],
    "1": test[1],
    "9999": test[9999],
    "pattern": (row * 37 + col * 11) % 256,
}
for name, image in images.items():
    print(name, *(f"{x:.9g}" for x in np.concatenate(classify(p, image))))
