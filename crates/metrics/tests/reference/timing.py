"""Times published programs on the arrays of examples/timing.rs: timing.py MNIST-FOLDER [METRIC...].

Each line has a metric, its seconds and its result, which must equal that of the example.
OMP_NUM_THREADS sets the number of threads.
"""

import contextlib
import io
import os
import pathlib
import sys
import time

import numpy as np
import scipy.stats
import sklearn.cluster
import sklearn.neighbors
import torch
from prdc import compute_prdc
from pytorch_fid.fid_score import calculate_frechet_distance
from torch_fidelity.metric_kid import kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
folder = pathlib.Path(sys.argv[1])


def images(name):
    """uint8 [n, 784] of an IDX file."""
    return np.fromfile(folder / name, np.uint8)[16:].reshape(-1, 784)


def scaled(x):
    return x.astype(np.float32) / np.float32(255)


training, test = images("train-images-idx3-ubyte"), images("t10k-images-idx3-ubyte")
copies, validation = training[:10_000], training[50_000:51_000]
torch.manual_seed(0)
weights = torch.randn(784, 128)
real, fake, known = (
    (torch.from_numpy(scaled(x)) @ weights).relu() for x in (test, copies, training)
)


def fid():
    """pytorch-fid: statistics by numpy, a matrix square root by scipy."""
    x, y = real.double().numpy(), fake.double().numpy()
    return calculate_frechet_distance(
        x.mean(0), np.cov(x, rowvar=False), y.mean(0), np.cov(y, rowvar=False)
    )


def kid():
    """torch-fidelity: 100 subsets of 1,000."""
    return kid_features_to_metric(
        real, fake, kid_subsets=100, kid_subset_size=1000, verbose=False
    )


def precision_recall():
    """torch-fidelity, k = 3."""
    return prc_features_to_metric(
        fake, real, prc_neighborhood=3, prc_batch_size=10_000, verbose=False
    )


def density_coverage():
    """prdc, k = 5; it measures precision and recall by the way."""
    with contextlib.redirect_stdout(io.StringIO()):
        return compute_prdc(real.numpy(), fake.numpy(), 5)


def novelty():
    """C_T by scikit-learn and scipy as its published program does it; 50 cells, no null."""
    cells = sklearn.cluster.KMeans(50, n_init=1, random_state=0).fit(known.numpy())
    sides = [(x.numpy(), cells.predict(x.numpy())) for x in (real, fake, known)]
    total = weight = 0.0
    for cell in range(50):
        p, q, t = (x[at == cell] for x, at in sides)
        n, m = len(p), len(q)
        if n == 0 or m < 20:
            continue
        search = sklearn.neighbors.NearestNeighbors(n_neighbors=1).fit(t)
        to_training = (search.kneighbors(x)[0][:, 0] for x in (q, p))
        u = scipy.stats.mannwhitneyu(*to_training, alternative="less").statistic
        total += n * (u - (n * m / 2 - 0.5)) / np.sqrt(n * m * (n + m + 1) / 12)
        weight += n
    return total / weight


def nearest_by_cdist():
    """torch.cdist in f32, 1,000 images at a time."""
    all_training = torch.from_numpy(training.astype(np.float32))
    rows = torch.from_numpy(test.astype(np.float32)).split(1000)
    found = [torch.cdist(some, all_training).min(1) for some in rows]
    return found[0].indices[0].item(), found[0].values[0].item()


def nearest_by_scikit_learn():
    """scikit-learn, brute force in f32."""
    search = sklearn.neighbors.NearestNeighbors(n_neighbors=1, algorithm="brute")
    distances, indices = search.fit(training.astype(np.float32)).kneighbors(test.astype(np.float32))
    return indices[0, 0], distances[0, 0]


def parzen():
    """Widths on validation images, then the test images; torch.cdist and logsumexp in f64."""
    o, v, w = (torch.from_numpy(scaled(x)).double() for x in (test, validation, copies))

    def log_likelihood(x, sigmas):
        sums = []
        for some in x.split(250):
            squared = torch.cdist(some, w).square()
            sums.append([torch.logsumexp(squared / (-2 * s * s), 1) for s in sigmas])
        means = [torch.cat(of_width).mean().item() for of_width in zip(*sums)]
        return [m - np.log(len(w)) - 392 * np.log(2 * np.pi * s * s) for m, s in zip(means, sigmas)]

    sigmas = np.logspace(-1, 0, 10)
    sigma = sigmas[int(np.argmax(log_likelihood(v, sigmas)))]
    return sigma, log_likelihood(o, [sigma])[0]


for measure in (
    fid, kid, precision_recall, density_coverage, novelty, nearest_by_cdist, nearest_by_scikit_learn, parzen
):
    if sys.argv[2:] and measure.__name__ not in sys.argv[2:]:
        continue
    started = time.perf_counter()
    found = measure()
    print(f"{measure.__name__:24} {time.perf_counter() - started:6.2f} s   {found}", flush=True)
