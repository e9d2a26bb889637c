"""The training step of a user who has profiled PyTorch.

bf16 autocast, channels-last, fused Adam, images in memory in the layout of training, one pass
of D over real and fake images where its normalization allows it, no unused gradients, no values
read in a step.
"""

import torch
import torch._dynamo
import torch.nn.functional as F

from networks import build


def images_in_training_layout(images, system, kind):
    """All training images as rows of pixels, [n, side * side]."""
    x = torch.from_numpy(images[: system.train_images].copy()).unsqueeze(1)
    parts = []
    for part in x.split(1000):
        part = part.float() / 255
        if system.side != part.shape[-1]:
            part = F.interpolate(part, (system.side, system.side), mode="bilinear")
        parts.append((part * 2 - 1 if system.symmetric else part).to(kind).flatten(1))
    return torch.cat(parts)


class ExpertStyle:
    """One system in this style; `step` is one update of D and one of G.

    The computation is in functions from tensors to gradients. So torch.compile sees a forward
    pass and its backward passes as one graph.
    """

    def __init__(self, name, system, images, batch, precision, style):
        # "medium": f32 products may round their inputs to bf16, as autocast does.
        torch.set_float32_matmul_precision("medium" if precision == "bf16" else "highest")
        torch.set_flush_denormal(True)
        self.name, self.system, self.batch, self.precision = name, system, batch, precision
        self.kind = torch.bfloat16 if precision == "bf16" else torch.float32
        self.g, self.d = build(name, system, channels_last=True, rewritten=style == "rewritten")
        self.g_params, self.d_params = list(self.g.parameters()), list(self.d.parameters())
        adam = lambda params, lr: torch.optim.Adam(
            params, lr=lr, betas=system.betas, eps=system.epsilon, fused=True
        )
        self.adam_g = adam(self.g_params, system.lr_g)
        self.adam_d = adam(self.d_params, system.lr_d)
        self.average = [p.detach().clone() for p in self.g_params]
        self.pixels = images_in_training_layout(images, system, self.kind)
        self.order = torch.empty(0, dtype=torch.long)
        if style == "compiled":
            # A gradient inside a compiled function becomes part of its graph and can be
            # differentiated again.
            torch._dynamo.config.trace_autograd_ops = True
            for function in (
                self.generate,
                self.d_gradients,
                self.penalized_gradients,
                self.g_gradients,
                self.image_gradient,
                self.both_gradients,
            ):
                setattr(self, function.__name__, torch.compile(function))

    def step(self, finished):
        """Runs a step after `finished` steps."""
        system = self.system
        real = self.real_images()
        if system.simultaneous:
            by_d, by_g = self.both_gradients(real, self.latents())
            self.update(self.adam_d, self.d_params, by_d)
            self.update(self.adam_g, self.g_params, by_g)
        else:
            penalize = system.penalty and finished % system.penalty_every == 0
            self.alternating_step(real, penalize)
        if system.ema_images:
            seen = (finished + 1) * self.batch
            decay = system.ema_decay(self.batch, seen)
            with torch.no_grad():
                torch._foreach_lerp_(self.average, self.g_params, 1.0 - decay)

    def alternating_step(self, real, penalize):
        shared = self.system.shared_latents
        with torch.set_grad_enabled(shared):
            fake = self.generate(self.latents())
        d_gradients = self.penalized_gradients if penalize else self.d_gradients
        self.update(self.adam_d, self.d_params, d_gradients(real, fake.detach()))
        if shared:
            by_g = torch.autograd.grad(fake, self.g_params, self.image_gradient(fake.detach()))
        else:
            by_g = self.g_gradients(real, self.latents())
        self.update(self.adam_g, self.g_params, by_g)

    def real_images(self):
        """[batch, 1, side, side]."""
        if self.system.with_replacement:
            chosen = torch.randint(len(self.pixels), (self.batch,))
        else:
            if len(self.order) < self.batch:
                self.order = torch.randperm(len(self.pixels))
            chosen, self.order = self.order[: self.batch], self.order[self.batch :]
        side = self.system.side
        return self.pixels.index_select(0, chosen).view(-1, side, side, 1).permute(0, 3, 1, 2)

    def latents(self):
        return self.system.latents(self.batch)

    def update(self, optimizer, params, gradients):
        for p, gradient in zip(params, gradients):
            if gradient.stride() != p.stride():
                # Fused Adam reads both in memory order.
                gradient = torch.empty_like(p).copy_(gradient)
            p.grad = gradient
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def autocast(self):
        return torch.autocast("cpu", torch.bfloat16, enabled=self.precision == "bf16")

    def generate(self, latents):
        with self.autocast():
            return self.g(latents)

    def classify(self, images):
        """Logits f32 [n], positive for real."""
        y = self.d(images)
        if self.name == "oshea":
            # A softmax of two logits is the logistic function of their difference.
            y = y[:, 1] - y[:, 0]
        y = y.float().view(-1)
        limit = self.system.logit_limit
        return y.clamp(-limit, limit) if limit else y

    def d_loss(self, on_real, on_fake):
        if self.name == "modern":
            return F.softplus(on_fake - on_real).mean()
        loss = F.softplus(-on_real).mean() + F.softplus(on_fake).mean()
        return loss * self.system.d_loss_weight

    def d_gradients(self, real, fake):
        with self.autocast():
            on_real, on_fake = self.classify(torch.cat([real, fake.to(real.dtype)])).chunk(2)
            loss = self.d_loss(on_real, on_fake)
        return torch.autograd.grad(loss, self.d_params)

    def penalized_gradients(self, real, fake):
        with self.autocast():
            images = torch.cat([real, fake.to(real.dtype)]).requires_grad_(True)
            logits = self.classify(images)
            on_real, on_fake = logits.chunk(2)
            (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
            # R1 and R2 have the same gamma: twice the mean over both halves is their sum.
            penalty = 2 * gradient.float().square().sum([1, 2, 3]).mean()
            weight = 0.5 * self.system.penalty * self.system.penalty_every
            loss = self.d_loss(on_real, on_fake) + weight * penalty
        return torch.autograd.grad(loss, self.d_params)

    def g_gradients(self, real, latents):
        # autograd.grad of G's parameters computes no gradients of D's parameters.
        with self.autocast():
            on_fake = self.classify(self.g(latents))
            if self.name == "modern":
                with torch.no_grad():
                    on_real = self.classify(real)
                loss = F.softplus(on_real - on_fake).mean()
            else:
                loss = F.softplus(-on_fake).mean()
        return torch.autograd.grad(loss, self.g_params)

    def image_gradient(self, fake):
        """The gradient of G's loss with respect to its images."""
        with self.autocast():
            fake = fake.requires_grad_(True)
            loss = F.softplus(-self.classify(fake)).mean()
        return torch.autograd.grad(loss, fake)[0]

    def both_gradients(self, real, latents):
        with self.autocast():
            fake = self.g(latents)
            # Batch norm must not mix real and fake images.
            on_real, on_fake = self.classify(real), self.classify(fake)
            loss_d, loss_g = self.d_loss(on_real, on_fake), F.softplus(-on_fake).mean()
        by_d = torch.autograd.grad(loss_d, self.d_params, retain_graph=True)
        return by_d, torch.autograd.grad(loss_g, self.g_params)
