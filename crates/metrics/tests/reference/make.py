"""Writes expected.json: the results of published programs on arrays that the tests make too.

SplitMix64 (Steele et al. 2014) makes the arrays. tests/metrics/arrays.rs repeats it in
Rust, so both sides measure the same numbers bit for bit.
"""

import contextlib
import importlib.metadata
import io
import json
import pathlib

import numpy as np
import scipy.linalg
import scipy.special
import scipy.stats
import sklearn.neighbors
import torch
from prdc import compute_prdc
from pytorch_fid.fid_score import calculate_frechet_distance
from torch_fidelity.metric_kid import kernel_mmd
from torch_fidelity.metric_prc import prc_features_to_metric


def uniform(seed, count):
    """float32 [count] in [0, 1): the upper 24 bits of SplitMix64's outputs."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)


def features(seed, n, d, scale=1.0, offset=0.0):
    """float32 [n, d] with columns that depend on each other: column j has column j % 3 added."""
    u = uniform(seed, n * d).reshape(n, d)
    return (u + u[:, np.arange(d) % 3]) * np.float32(scale) + np.float32(offset)


def constant(x, columns):
    x = x.copy()
    x[:, columns] = 0.5
    return x


def lattice(seed, n, d, side):
    """float32 [n, d] of whole numbers below side, so that many distances are equal."""
    return np.floor(uniform(seed, n * d).reshape(n, d) * np.float32(side))


def quadrant(x):
    """The cell of each row: whether its first two features exceed 0.9."""
    return 2 * (x[:, 0] > 0.9).astype(int) + (x[:, 1] > 0.9).astype(int)


def pytorch_fid(x, y):
    x, y = x.astype(np.float64), y.astype(np.float64)
    return calculate_frechet_distance(
        x.mean(0), np.cov(x, rowvar=False), y.mean(0), np.cov(y, rowvar=False)
    )


def fid_by_nuclear_norm(x, y):
    """tr (S1 S2)^(1/2) is the sum of the singular values of X Y^T, for centred X and Y."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    a = (x - x.mean(0)) / np.sqrt(len(x) - 1)
    b = (y - y.mean(0)) / np.sqrt(len(y) - 1)
    between = ((x.mean(0) - y.mean(0)) ** 2).sum()
    return between + (a**2).sum() + (b**2).sum() - 2 * scipy.linalg.svdvals(a @ b.T).sum()


def precision_recall(real, fake, k):
    t = [torch.from_numpy(x.astype(np.float64)) for x in (fake, real)]
    out = prc_features_to_metric(*t, prc_neighborhood=k, prc_batch_size=10000, save_cpu_ram=False, verbose=False)
    return {name: out[name] for name in ("precision", "recall")}


def density_coverage(real, fake, k):
    with contextlib.redirect_stdout(io.StringIO()):
        out = compute_prdc(real.astype(np.float64), fake.astype(np.float64), k)
    return {name: float(out[name]) for name in ("density", "coverage")}


def nearest(x, training):
    search = sklearn.neighbors.NearestNeighbors(n_neighbors=1, algorithm="brute")
    return search.fit(training.astype(np.float64)).kneighbors(x.astype(np.float64))[0][:, 0]


def novelty(test, fake, training, cell_of, least):
    """C_T by Meehan et al. 2020, with the continuity correction of their code."""
    cells, total, weight = {}, 0.0, 0
    for cell in range(4):
        p, q, t = (x[cell_of(x) == cell] for x in (test, fake, training))
        n, m = len(p), len(q)
        if m < least:
            cells[cell] = None
            continue
        u = scipy.stats.mannwhitneyu(nearest(q, t), nearest(p, t), alternative="less").statistic
        z = (u - (n * m / 2 - 0.5)) / np.sqrt(n * m * (n + m + 1) / 12)
        cells[cell] = float(z)
        total += n * z
        weight += n
    return {"c_t": float(total / weight), "z": [cells[c] for c in range(4)]}


def parzen(real, validation, windows):
    o, v, w = (x.astype(np.float64) for x in (real, validation, windows))

    def log_likelihood(x, sigma):
        squared = ((x[:, None, :] - w[None, :, :]) ** 2).sum(2)
        sums = scipy.special.logsumexp(-squared / (2 * sigma**2), axis=1)
        return sums - np.log(len(w)) - x.shape[1] * np.log(sigma * np.sqrt(2 * np.pi))

    sigmas = np.logspace(-1, 0, 10)
    tried = [log_likelihood(v, sigma).mean() for sigma in sigmas]
    sigma = sigmas[int(np.argmax(tried))]
    values = log_likelihood(o, sigma)
    return {
        "sigma": float(sigma),
        "mean": float(values.mean()),
        "standard_error": float(values.std() / np.sqrt(len(values))),
    }


real = features(1, 1200, 16)
fake = features(2, 1000, 16, scale=0.9, offset=0.1)
training = features(3, 1500, 16)
few_real = features(4, 40, 64)
few_fake = features(5, 50, 64, scale=1.1)
flat_real = constant(real, [0, 5])
flat_fake = constant(fake, [5])
real_lattice = lattice(6, 300, 3, 6)
fake_lattice = lattice(7, 250, 3, 5)
pixels = np.floor(uniform(8, 200 * 36).astype(np.float64) * 256).reshape(200, 36) / 255

expected = {
    "versions": {
        name: importlib.metadata.version(name)
        for name in ("numpy", "scipy", "scikit-learn", "torch", "pytorch-fid", "torch-fidelity", "prdc")
    },
    "first_uniform": [float(u) for u in uniform(1, 4)],
    "fid": {
        "pytorch_fid": float(pytorch_fid(real, fake)),
        "nuclear_norm": float(fid_by_nuclear_norm(real, fake)),
        "few_rows": float(fid_by_nuclear_norm(few_real, few_fake)),
        "constant_columns": float(fid_by_nuclear_norm(flat_real, flat_fake)),
    },
    "squared_mmd": float(kernel_mmd(
        real[:1000].astype(np.float64), fake.astype(np.float64),
        kid_kernel="poly", kid_kernel_poly_degree=3, kid_kernel_poly_gamma=None, kid_kernel_poly_coef0=1,
    )),
    "precision_recall": {
        "smooth": precision_recall(real, fake, 3),
        "lattice": precision_recall(real_lattice, fake_lattice, 3),
    },
    "density_coverage": {
        "smooth": density_coverage(real, fake, 5),
        "lattice": density_coverage(real_lattice, fake_lattice, 5),
    },
    "novelty": {
        "fresh": novelty(real, fake, training, quadrant, 20),
        "copies": novelty(real, training[:1000] + np.float32(0.001), training, quadrant, 20),
        "ties": novelty(real_lattice, fake_lattice, lattice(9, 200, 3, 6),
                        lambda x: (x[:, 0] > 2).astype(int), 20),
    },
    "parzen": parzen(pixels[:50], pixels[50:100], pixels[100:]),
}

path = pathlib.Path(__file__).with_name("expected.json")
path.write_text(json.dumps(expected, indent=2) + "\n")
