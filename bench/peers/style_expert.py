"""The training step as somebody writes it who knows where PyTorch spends time.

bf16 autocast, channels-last, fused Adam, images in memory in the layout that
training wants, one pass of D over originals and forgeries where its norms allow
that, no gradients that nobody uses, nothing read per step.
"""

import torch
import torch.nn.functional as F

from networks import build


def images_in_training_layout(images, system, kind):
    """[n, 1, side, side], all of them, once."""
    x = torch.from_numpy(images[: system.train_images].copy()).unsqueeze(1)
    parts = []
    for part in x.split(1000):
        part = part.float() / 255
        if system.side != part.shape[-1]:
            part = F.interpolate(part, (system.side, system.side), mode="bilinear")
        parts.append((part * 2 - 1 if system.symmetric else part).to(kind))
    return torch.cat(parts)


class ExpertStyle:
    """One system in this style; `step` is one update of D and one of G."""

    def __init__(self, name, system, images, batch, precision, compiled=False):
        # f32 products may round their inputs to bf16, as autocast does.
        torch.set_float32_matmul_precision("medium" if precision == "bf16" else "highest")
        torch.set_flush_denormal(True)
        self.name, self.system, self.batch, self.precision = name, system, batch, precision
        self.kind = torch.bfloat16 if precision == "bf16" else torch.float32
        self.g, self.d = build(name, system, channels_last=True)
        self.g_params, self.d_params = list(self.g.parameters()), list(self.d.parameters())
        adam = lambda params, lr: torch.optim.Adam(
            params, lr=lr, betas=system.betas, eps=system.epsilon, fused=True
        )
        self.adam_g = adam(self.g_params, system.lr_g)
        self.adam_d = adam(self.d_params, system.lr_d)
        self.average = [p.detach().clone() for p in self.g_params]
        self.images = images_in_training_layout(images, system, self.kind)
        self.order = torch.empty(0, dtype=torch.long)
        self.asked = self.d_objective
        self.both_asked = self.both_objectives
        self.learned = self.g_objective
        self.penalized = self.penalized_objective
        if compiled:
            # The penalized step stays as it is: its gradient is differentiated
            # again, which compiled backward passes refuse.
            self.asked = torch.compile(self.d_objective)
            self.both_asked = torch.compile(self.both_objectives)
            self.learned = torch.compile(self.g_objective)

    def step(self, finished):
        """Plays a step after so many."""
        system = self.system
        real = self.originals()
        if system.simultaneous:
            self.simultaneous_step(real)
        else:
            self.alternating_step(real, finished % system.penalty_every == 0)
        if system.ema_images:
            seen = (finished + 1) * self.batch
            decay = system.ema_decay(self.batch, seen)
            with torch.no_grad():
                torch._foreach_lerp_(self.average, self.g_params, 1.0 - decay)

    def originals(self):
        if self.system.with_replacement:
            chosen = torch.randint(len(self.images), (self.batch,))
        else:
            if len(self.order) < self.batch:
                self.order = torch.randperm(len(self.images))
            chosen, self.order = self.order[: self.batch], self.order[self.batch :]
        return self.images.index_select(0, chosen)

    def latents(self):
        draw = torch.rand if self.system.uniform_latents else torch.randn
        return draw(self.batch, self.system.latent)

    def autocast(self):
        return torch.autocast("cpu", self.kind, enabled=self.precision == "bf16")

    def alternating_step(self, real, penalize):
        system = self.system
        latents = self.latents()
        shared = None
        with self.autocast():
            if system.shared_latents:
                shared = self.g(latents)
                fake = shared.detach()
            else:
                with torch.no_grad():
                    fake = self.g(latents)
            if penalize and system.penalty:
                objective = self.penalized(real, fake)
            else:
                objective = self.asked(real, fake)
        self.update(self.adam_d, self.d_params, objective)

        for p in self.d_params:
            p.requires_grad_(False)
        with self.autocast():
            latents = None if system.shared_latents else self.latents()
            loss_g = self.learned(real, latents, shared)
        self.update(self.adam_g, self.g_params, loss_g)
        for p in self.d_params:
            p.requires_grad_(True)

    def simultaneous_step(self, real):
        with self.autocast():
            loss_d, loss_g = self.both_asked(real, self.latents())
        by_d = torch.autograd.grad(loss_d, self.d_params, retain_graph=True)
        by_g = torch.autograd.grad(loss_g, self.g_params)
        self.apply(self.adam_d, self.d_params, by_d)
        self.apply(self.adam_g, self.g_params, by_g)

    def update(self, optimizer, params, loss):
        self.apply(optimizer, params, torch.autograd.grad(loss, params))

    def apply(self, optimizer, params, gradients):
        for p, gradient in zip(params, gradients):
            p.grad = gradient
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def judge(self, images):
        """Logits f32 [n], above 0 for "original"."""
        y = self.d(images)
        if self.name == "oshea":
            # A softmax over two is the logistic function of the difference.
            y = y[:, 1] - y[:, 0]
        y = y.float().view(-1)
        limit = self.system.logit_limit
        return y.clamp(-limit, limit) if limit else y

    def d_loss(self, on_real, on_fake):
        if self.name == "modern":
            return F.softplus(on_fake - on_real).mean()
        loss = F.softplus(-on_real).mean() + F.softplus(on_fake).mean()
        return loss * self.system.d_loss_weight

    def d_objective(self, real, fake):
        on_real, on_fake = self.judge(torch.cat([real, fake.to(real.dtype)])).chunk(2)
        return self.d_loss(on_real, on_fake)

    def penalized_objective(self, real, fake):
        images = torch.cat([real, fake.to(real.dtype)]).requires_grad_(True)
        logits = self.judge(images)
        on_real, on_fake = logits.chunk(2)
        (slope,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
        # R1 and R2 have one gamma: the mean over both halves, twice, is their sum.
        penalty = 2 * slope.float().square().sum([1, 2, 3]).mean()
        weight = 0.5 * self.system.penalty * self.system.penalty_every
        return self.d_loss(on_real, on_fake) + weight * penalty

    def g_objective(self, real, latents, shared):
        on_fake = self.judge(self.g(latents) if shared is None else shared)
        if self.name != "modern":
            return F.softplus(-on_fake).mean()
        with torch.no_grad():
            on_real = self.judge(real)
        return F.softplus(on_real - on_fake).mean()

    def both_objectives(self, real, latents):
        fake = self.g(latents)
        # Batch norm must not see originals and forgeries together.
        on_real, on_fake = self.judge(real), self.judge(fake)
        return self.d_loss(on_real, on_fake), F.softplus(-on_fake).mean()
