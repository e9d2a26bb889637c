"""Reference values for GAN losses, gradient penalties, spectral normalisation and optimisers.

Writes `regularizers.json` beside itself (or to the path given as the only argument). Everything
is float64 on the CPU, in plain PyTorch, with no random numbers: every input comes from the two
formulas `wave` and `golden` below. The same script gives the same file, up to the last digits
of `sin` and `tanh`.

    pip install torch==2.13.0 numpy==2.4.6   # the version of the libtorch that the project uses
    python regularizers.py

It computes the following for two small smooth discriminators D (D(x) is a logit, no sigmoid):

* `dense`: D(x) = w2 . tanh(W1 x + b1) + b2, with x of 6 numbers and 5 hidden units;
* `conv`:  D(x) = w2 . flatten(tanh(conv3x3_pad1(x; W1) + b1)) + b2, with x of shape [1, 4, 4]
  and 2 channels; W1 is in PyTorch's order [out, in, height, width], and flatten runs over
  channel, row, column.

1. `losses`: D's and G's losses. For D: value and gradient by every parameter; for G: value and
   gradient by the fake images. "mean" is over the batch of 4.
     minimax              D: mean softplus(-real) + mean softplus(fake) (Goodfellow 2014, eq. 1)
                          G: mean log(1 - sigmoid(fake))
     non-saturating       D: as minimax      G: mean softplus(-fake)   (Goodfellow 2014, section 3)
     least-squares        D: mean (real - 1)^2 / 2 + mean fake^2 / 2   (Mao 2017, a=0, b=c=1)
                          G: mean (fake - 1)^2 / 2
     hinge                D: mean relu(1 - real) + mean relu(1 + fake) (Lim & Ye 2017; Miyato 2018)
                          G: -mean fake
     wasserstein          D: mean fake - mean real      G: -mean fake  (Arjovsky 2017)
     relativistic-pairing D: mean softplus(fake_i - real_i)            (Jolicoeur-Martineau 2018)
                          G: mean softplus(real_i - fake_i)
   softplus(t) is computed as -logsigmoid(-t): F.softplus returns t itself above 20, an error of
   up to 2e-9.
2. `r1`, `r2`: gamma/2 * mean_i ||grad_x D(x_i)||^2 over real / fake images (Mescheder 2018).
3. `wgan_gp`: lambda * mean_i (||grad D(x^_i)||_2 - 1)^2, x^_i = e_i x_i + (1 - e_i) x~_i, one e a
   sample (Gulrajani 2017).
4. `dragan`: lambda * mean_i (||grad D(x^_i)||_2 - 1)^2 (Kodali 2017), x^ built in three ways:
     original          x^_i = x_i + a_i * 0.5 * std(x) * u_i, with u in [0, 1) per number and a in
                       [0, 1) per sample: DRAGAN.ipynb of kodalinaveen3/DRAGAN makes the perturbed
                       batch x + 0.5 * std * u, then interpolates towards it. std is numpy's: the
                       population deviation (divide by n) over every number of the batch.
     no_interpolation  the same with a_i = 1.
     compare_gan       x^ = clip(x + std(x) * (u - 0.5), 0, 1) and the norm is
                       sqrt(1e-4 + sum g^2): penalty_lib.py of google/compare_gan (2019 tree).
   x^ is a constant for the gradient by the parameters.
5. `spectral`: Miyato 2018, algorithm 1: v <- normalize(M^T u), u <- normalize(M v),
   sigma = u^T M v, with M the weight as [out, rest]; after 1 and 3 iterations.
   u and v are constants for the gradient, sigma is not.
6. `clip`, `pylearn2`: weight clipping; SGD with momentum as pylearn2 does it (learning_rule.py
   Momentum, MomentumAdjustor; sgd.py ExponentialDecay).
7. `adam`: torch.optim.Adam.

Self-checks (the script stops if one fails): penalties' values against the hand-written gradient
of the dense D; all D gradients against central differences; spectral normalisation against
torch.nn.utils.spectral_norm and torch.nn.utils.parametrizations.spectral_norm and against the
closed form of its gradient; Adam and momentum against hand-written updates.
"""

import json
import math
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


# ---------------------------------------------------------------- inputs

def wave(shape, scale, start, offset=0.0):
    """offset + scale * sin(0.7 k + 0.3) for k = start, start + 1, ... in row-major order."""
    n = math.prod(shape)
    data = [offset + scale * math.sin(0.7 * k + 0.3) for k in range(start, start + n)]
    return torch.tensor(data).reshape(shape)


def golden(shape, start):
    """fract((k + 1) * 0.6180339887498949) for k = start, start + 1, ...: numbers in [0, 1)."""
    n = math.prod(shape)
    data = [math.fmod((k + 1) * 0.6180339887498949, 1.0) for k in range(start, start + n)]
    return torch.tensor(data).reshape(shape)


# name -> (parameter name -> (shape, scale, start)), input shape, forward pass
NETS = {
    "dense": {
        "params": {
            "w1": ([5, 6], 0.9, 0),
            "b1": ([5], 0.4, 30),
            "w2": ([1, 5], 1.65, 35),
            "b2": ([1], 0.5, 40),
        },
        "input": [6],
        "real": (2.0, 58, 0.2),
        "fake": (2.0, 90, -0.1),
    },
    "conv": {
        "params": {
            "w1": ([2, 1, 3, 3], 0.6, 200),
            "b1": ([2], 0.3, 218),
            "w2": ([1, 32], 0.14, 220),
            "b2": ([1], 0.5, 252),
        },
        "input": [1, 4, 4],
        "real": (1.2, 50, 0.2),
        "fake": (1.2, 93, -0.1),
    },
}
GAMMA_R1, GAMMA_R2, LAMBDA, BATCH = 0.7, 0.4, 10.0, 4


def discriminate(name, p, x):
    """D's logits, shape [n], for a batch of shape [n, *input]."""
    if name == "dense":
        h = torch.tanh(x @ p["w1"].T + p["b1"])
    else:
        h = torch.tanh(F.conv2d(x, p["w1"], p["b1"], padding=1)).flatten(1)
    return (h @ p["w2"].T + p["b2"]).squeeze(1)


# ---------------------------------------------------------------- formulas

def softplus(t):
    return -F.logsigmoid(-t)


D_LOSSES = {
    "minimax": lambda r, f: softplus(-r).mean() + softplus(f).mean(),
    "non-saturating": lambda r, f: softplus(-r).mean() + softplus(f).mean(),
    "least-squares": lambda r, f: 0.5 * ((r - 1) ** 2).mean() + 0.5 * (f**2).mean(),
    "hinge": lambda r, f: F.relu(1 - r).mean() + F.relu(1 + f).mean(),
    "wasserstein": lambda r, f: f.mean() - r.mean(),
    "relativistic-pairing": lambda r, f: softplus(f - r).mean(),
}
G_LOSSES = {
    "minimax": lambda r, f: F.logsigmoid(-f).mean(),
    "non-saturating": lambda r, f: softplus(-f).mean(),
    "least-squares": lambda r, f: 0.5 * ((f - 1) ** 2).mean(),
    "hinge": lambda r, f: -f.mean(),
    "wasserstein": lambda r, f: -f.mean(),
    "relativistic-pairing": lambda r, f: softplus(r - f).mean(),
}


def slopes_squared(name, p, x):
    """||grad_x D(x_i)||^2 of each sample, differentiable by p, and the gradients themselves."""
    x = x.detach().requires_grad_(True)
    (g,) = torch.autograd.grad(discriminate(name, p, x).sum(), x, create_graph=True)
    return g.flatten(1).square().sum(1), g.detach()


def zero_centred(name, p, x, gamma):
    return gamma / 2 * slopes_squared(name, p, x)[0].mean()


def one_centred(name, p, x, lam, eps=0.0):
    return lam * ((slopes_squared(name, p, x)[0] + eps).sqrt() - 1).square().mean()


# ---------------------------------------------------------------- output helpers

def flat(t):
    return t.detach().reshape(-1).tolist()


def shaped(t):
    return {"shape": list(t.shape), "data": flat(t)}


def value_and_grads(f, params):
    """Value and gradient by every parameter (zeros where f does not use one), checked by
    central differences."""
    value = f(params)
    grads = torch.autograd.grad(value, list(params.values()), allow_unused=True)
    grads = {
        k: torch.zeros_like(v) if g is None else g
        for (k, v), g in zip(params.items(), grads)
    }
    h = 1e-5
    for key, g in grads.items():
        for i in range(g.numel()):
            ends = []
            for step in (h, -h):
                moved = {k: v.detach().clone().requires_grad_(True) for k, v in params.items()}
                moved[key].data.reshape(-1)[i] += step
                ends.append(f(moved).item())
            slope = (ends[0] - ends[1]) / (2 * h)
            assert abs(slope - g.reshape(-1)[i].item()) < 1e-6, (key, i, slope, g)
    return {"value": value.item(), "grad": {k: flat(g) for k, g in grads.items()}}


# ---------------------------------------------------------------- 1 to 4

def network_section(name):
    spec = NETS[name]
    params = {k: wave(*v).requires_grad_(True) for k, v in spec["params"].items()}
    shape = [BATCH, *spec["input"]]
    (s, k, o), (fs, fk, fo) = spec["real"], spec["fake"]
    x, fake = wave(shape, s, k, o), wave(shape, fs, fk, fo)
    real_logits, fake_logits = discriminate(name, params, x), discriminate(name, params, fake)
    # The hinge has a kink at real = 1 and fake = -1: stay away from it, on both sides.
    for t in (real_logits - 1, fake_logits + 1):
        assert t.abs().min() > 1e-2 and t.min() < 0 < t.max(), t

    out = {
        "params": {k: shaped(v) for k, v in params.items()},
        "real": shaped(x),
        "fake": shaped(fake),
        "logits": {"real": flat(real_logits), "fake": flat(fake_logits)},
        "losses": {},
    }
    for loss, d in D_LOSSES.items():
        d_out = value_and_grads(
            lambda p, d=d: d(discriminate(name, p, x), discriminate(name, p, fake)), params
        )
        images = fake.detach().requires_grad_(True)
        g = G_LOSSES[loss](discriminate(name, params, x).detach(), discriminate(name, params, images))
        (by_images,) = torch.autograd.grad(g, images)
        out["losses"][loss] = {
            "d": d_out,
            "g": {"value": g.item(), "grad_fake": flat(by_images)},
        }

    def penalty(f, points, eps=0.0):
        squared, g = slopes_squared(name, params, points)
        if name == "dense":  # grad_x D = W1^T (w2 * (1 - tanh^2)), by hand
            a = torch.tanh(points @ params["w1"].T + params["b1"])
            by_hand = ((1 - a**2) * params["w2"]) @ params["w1"]
            assert torch.allclose(by_hand, g, atol=1e-14)
        return {
            **value_and_grads(f, params),
            "grad_x": flat(g),
            "norms": flat((squared + eps).sqrt()),
        }

    out["r1"] = {"gamma": GAMMA_R1, **penalty(lambda p: zero_centred(name, p, x, GAMMA_R1), x)}
    out["r2"] = {
        "gamma": GAMMA_R2,
        **penalty(lambda p: zero_centred(name, p, fake, GAMMA_R2), fake),
    }

    per_sample = [BATCH] + [1] * len(spec["input"])
    e = golden(per_sample, 0)
    mixed = e * x + (1 - e) * fake
    out["wgan_gp"] = {
        "lambda": LAMBDA,
        "epsilon": flat(e),
        "x_hat": flat(mixed),
        **penalty(lambda p: one_centred(name, p, mixed, LAMBDA), mixed),
    }

    u, a = golden(shape, 10), golden(per_sample, 7)
    std = x.std(correction=0)
    assert abs(std.item() - np.asarray(x).std()) < 1e-14
    ways = {
        "original": (x + a * (0.5 * std * u), 0.0),
        "no_interpolation": (x + 0.5 * std * u, 0.0),
        "compare_gan": ((x + std * (u - 0.5)).clamp(0.0, 1.0), 1e-4),
    }
    out["dragan"] = {"lambda": LAMBDA, "u": flat(u), "alpha": flat(a), "std": std.item()}
    for way, (points, eps) in ways.items():
        out["dragan"][way] = {
            "x_hat": flat(points),
            **penalty(lambda p: one_centred(name, p, points, LAMBDA, eps), points, eps),
        }
    return out, params, x


def logits_section():
    """The losses as functions of logits alone, large ones included."""
    real = torch.tensor([0.0, 0.5, -2.0, 25.0, -50.0, 800.0, -800.0, 1.5], requires_grad=True)
    fake = torch.tensor([0.0, -1.5, 3.0, -25.0, 50.0, -800.0, 800.0, 0.25], requires_grad=True)
    out = {"real": flat(real), "fake": flat(fake)}
    for loss in D_LOSSES:
        entry = {}
        for side, f in (("d", D_LOSSES[loss]), ("g", G_LOSSES[loss])):
            value = f(real, fake)
            r, k = torch.autograd.grad(value, (real, fake), allow_unused=True)
            entry[side] = {
                "value": value.item(),
                "grad_real": flat(torch.zeros_like(real) if r is None else r),
                "grad_fake": flat(torch.zeros_like(fake) if k is None else k),
            }
        out[loss] = entry
    return out


# ---------------------------------------------------------------- 5

def power_iterations(weight, u, count):
    """Miyato 2018, algorithm 1: `count` rounds from u; returns u, v (constants) and sigma."""
    m = weight.flatten(1)
    with torch.no_grad():
        u = u / u.norm()
        for _ in range(count):
            v = m.T @ u
            v = v / v.norm()
            u = m @ v
            u = u / u.norm()
    return u, v, u @ (m @ v)


def torch_hook_sigma(weight, u, count):
    """sigma by torch.nn.utils.spectral_norm (the hook), which keeps Miyato's order: v, then u."""
    layer = torch.nn.Linear(weight.flatten(1).shape[1], weight.shape[0], bias=False)
    layer.weight.data = weight.detach().flatten(1).clone()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.nn.utils.spectral_norm(layer, n_power_iterations=count)
    layer.weight_u.copy_(u / u.norm())
    layer.train()
    layer(torch.zeros(1, layer.in_features))
    return layer.weight.detach()


def torch_parametrised(weight, u, v, training, count=1):
    """W / sigma by torch.nn.utils.parametrizations.spectral_norm with its buffers set to u and v.

    In training mode it runs `count` rounds in the other order (u <- normalize(M v), then
    v <- normalize(M^T u)), so it ends half a round later than algorithm 1."""
    layer = torch.nn.Linear(weight.flatten(1).shape[1], weight.shape[0], bias=False)
    layer.weight.data = weight.detach().flatten(1).clone()
    layer = torch.nn.utils.parametrizations.spectral_norm(layer, n_power_iterations=count)
    norm = layer.parametrizations.weight[0]
    norm._u.copy_(u)
    norm._v.copy_(v)
    layer.train(training)
    return layer


def spectral_weight(weight, start, spec):
    m = weight.detach().flatten(1)
    out = {
        "u0": flat(start),
        "u0_formula": spec,
        "weight_shape": list(weight.shape),
        "largest_singular_value": torch.linalg.svdvals(m)[0].item(),
        "iterations": {},
    }
    for count in (1, 3):
        u, v, sigma = power_iterations(weight.detach(), start, count)
        normalised = weight.detach() / sigma
        hook = torch_hook_sigma(weight, start, count)
        assert torch.allclose(hook, normalised.flatten(1), rtol=0, atol=1e-14)
        frozen = torch_parametrised(weight, u, v, training=False)
        assert torch.allclose(frozen.weight, normalised.flatten(1), rtol=0, atol=1e-14)
        # What the parametrisation gives when its own v buffer starts at normalize(M^T u0).
        v0 = m.T @ start
        moving = torch_parametrised(weight, start / start.norm(), v0 / v0.norm(), True, count)
        shifted = moving.weight.detach()
        out["iterations"][str(count)] = {
            "u": flat(u),
            "v": flat(v),
            "sigma": sigma.item(),
            "weight_over_sigma": flat(normalised),
            "torch_parametrization_train_sigma": (m.norm() / shifted.norm()).item(),
        }
    return out


def spectral_section(name, params, x):
    """The layers' weights, and the gradient of sum_i D(x_i) with both weights normalised."""
    starts = {k: (params[k].shape[0], s) for k, s in (("w1", 502), ("w2", 510))}
    out = {}
    for k, (n, s) in starts.items():
        out[k] = spectral_weight(
            params[k], wave([n], 1.0, s), f"sin(0.7 k + 0.3), k = {s}, {s + 1}, ..."
        )
    for count in (1, 3):
        uv = {
            k: power_iterations(params[k].detach(), wave([n], 1.0, s), count)[:2]
            for k, (n, s) in starts.items()
        }

        def loss(p, uv=uv):
            q = dict(p)
            for k, (u, v) in uv.items():
                q[k] = p[k] / (u @ (p[k].flatten(1) @ v))
            return discriminate(name, q, x).sum()

        entry = value_and_grads(loss, params)
        # Closed form: dL/dW = (G - <G, W/sigma> u v^T) / sigma, G = dL/d(W/sigma).
        q = {k: v.detach() for k, v in params.items()}
        for k, (u, v) in uv.items():
            q[k] = (q[k] / (u @ (q[k].flatten(1) @ v)))
        q = {k: v.requires_grad_(True) for k, v in q.items()}
        total = discriminate(name, q, x).sum()
        for (k, (u, v)), g in zip(uv.items(), torch.autograd.grad(total, [q[k] for k in uv])):
            sigma = u @ (params[k].detach().flatten(1) @ v)
            closed = (g - (g * q[k]).sum() * torch.outer(u, v).reshape(g.shape)) / sigma
            got = torch.tensor(entry["grad"][k]).reshape(g.shape)
            assert torch.allclose(closed, got, atol=1e-13), (k, closed, got)
            layer = torch_parametrised(params[k], u, v, training=False)
            raw = layer.parametrizations.weight.original
            (by_torch,) = torch.autograd.grad((layer.weight * g.flatten(1)).sum(), raw)
            assert torch.allclose(by_torch.reshape(g.shape), got, atol=1e-13)
        out.setdefault("logit_sum", {})[str(count)] = entry
    return out


# ---------------------------------------------------------------- 6 and 7

def clip_section():
    before = torch.tensor([-0.5, -0.0100001, -0.01, -0.003, 0.0, 0.009999, 0.01, 0.02, 3.0])
    return {"bound": 0.01, "before": flat(before), "after": flat(before.clamp(-0.01, 0.01))}


def pylearn2_updates(p, grads, momentum, lr, decay, min_lr):
    """v <- mu v - lr g; p <- p + v; after update t (1, 2, ...) lr <- max(lr0 / decay^t, min_lr)."""
    p, v, steps, base = p.clone(), torch.zeros_like(p), [], lr
    for t, (g, mu) in enumerate(zip(grads, momentum), start=1):
        v = mu * v - lr * g
        p = p + v
        steps.append({
            "grad": flat(g), "momentum": mu, "lr": lr, "velocity": flat(v), "param": flat(p),
        })
        lr = max(base / decay**t, min_lr)
    return {"lr0": base, "decay_factor": decay, "min_lr": min_lr, "lr_after": lr, "steps": steps}


def momentum_at(epoch, init, final, start, saturate):
    """pylearn2's MomentumAdjustor during epoch 0, 1, ...: on_monitor has run epoch + 1 times."""
    if saturate == start:
        return final if epoch + 1 >= start else init
    alpha = min(max((epoch + 1 - start) / (saturate - start), 0.0), 1.0)
    return init * (1 - alpha) + alpha * final


def pylearn2_section():
    p0 = wave([5], 1.0, 600)
    grads = [wave([5], 0.8, s) for s in (610, 620, 630)]
    cases = {
        "paper": (([0.5] * 3), 0.1, 1.000004, 1e-6),
        "steep_decay": ([0.5, 0.6, 0.7], 0.1, 1.25, 0.07),
    }
    out = {}
    for name, (mu, lr, decay, floor) in cases.items():
        out[name] = {"param0": flat(p0), **pylearn2_updates(p0, grads, mu, lr, decay, floor)}
    # torch.optim.SGD keeps b <- mu b + g, p <- p - lr b. Equal here only while lr is constant.
    q = torch.nn.Parameter(p0.clone())
    sgd = torch.optim.SGD([q], lr=0.1, momentum=0.5)
    for g in grads:
        q.grad = g
        sgd.step()
    same = pylearn2_updates(p0, grads, [0.5] * 3, 0.1, 1.0, 0.0)["steps"][-1]["param"]
    assert torch.allclose(q.detach(), torch.tensor(same), atol=1e-14)
    epochs = [0, 1, 2, 124, 248, 249, 250, 400]
    out["momentum_schedule"] = {
        "init": 0.5, "final": 0.7, "start": 1, "saturate": 250,
        "epoch": epochs,
        "momentum": [momentum_at(e, 0.5, 0.7, 1, 250) for e in epochs],
    }
    return out


def adam_section():
    p0 = wave([5], 1.0, 700)
    grads = [wave([5], s, k) for s, k in ((0.5, 710), (2.0, 720), (1e-4, 730))]
    out = {}
    for name, lr, betas in (("default", 1e-3, (0.9, 0.999)), ("gan", 2e-4, (0.5, 0.999))):
        q = torch.nn.Parameter(p0.clone())
        opt = torch.optim.Adam([q], lr=lr, betas=betas, eps=1e-8)
        m = s = torch.zeros_like(p0)
        hand, steps = p0.clone(), []
        for t, g in enumerate(grads, start=1):
            q.grad = g.clone()
            opt.step()
            m = betas[0] * m + (1 - betas[0]) * g
            s = betas[1] * s + (1 - betas[1]) * g**2
            hand = hand - lr * (m / (1 - betas[0]**t)) / ((s / (1 - betas[1]**t)).sqrt() + 1e-8)
            assert torch.allclose(hand, q.detach(), rtol=0, atol=1e-14)
            steps.append({
                "grad": flat(g), "param": flat(q),
                "exp_avg": flat(opt.state[q]["exp_avg"]),
                "exp_avg_sq": flat(opt.state[q]["exp_avg_sq"]),
            })
        out[name] = {"lr": lr, "beta1": betas[0], "beta2": betas[1], "eps": 1e-8,
                     "param0": flat(p0), "steps": steps}
    return out


def main():
    out = {
        "provenance": {
            "script": "regularizers.py",
            "torch": torch.__version__,
            "numpy": np.__version__,
            "dtype": "float64",
            "formulas": {
                "wave": "offset + scale * sin(0.7 k + 0.3), k = start, start + 1, ...",
                "golden": "fract((k + 1) * 0.6180339887498949), k = start, start + 1, ...",
            },
            "inputs": NETS,
        },
        "losses_on_logits": logits_section(),
        "clip": clip_section(),
        "pylearn2": pylearn2_section(),
        "adam": adam_section(),
    }
    for name in NETS:
        out[name], params, x = network_section(name)
        out[name]["spectral"] = spectral_section(name, params, x)
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(out, indent=1, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
