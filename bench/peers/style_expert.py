"""The training step as somebody writes it who knows where PyTorch spends time.

bf16 autocast, channels-last, fused Adam, images in memory in the layout that
training wants, one pass of D over originals and forgeries where its norms allow
that, no gradients that nobody uses, nothing read per step.
"""

import torch
import torch._dynamo
import torch.nn.functional as F

from networks import build


def images_in_training_layout(images, system, kind):
    """Rows of pixels, [n, side * side], all of them, made once."""
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

    What a step computes is in functions from tensors to gradients, so that
    torch.compile sees a forward pass and its backward passes as one.
    """

    def __init__(self, name, system, images, batch, precision, style):
        # f32 products may round their inputs to bf16, as autocast does.
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
            # Gradients asked for inside a compiled function become part of it,
            # and can be differentiated again.
            torch._dynamo.config.trace_autograd_ops = True
            for function in (
                self.forge,
                self.d_gradients,
                self.penalized_gradients,
                self.g_gradients,
                self.slope,
                self.both_gradients,
            ):
                setattr(self, function.__name__, torch.compile(function))

    def step(self, finished):
        """Plays a step after so many."""
        system = self.system
        real = self.originals()
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
            fake = self.forge(self.latents())
        ask = self.penalized_gradients if penalize else self.d_gradients
        self.update(self.adam_d, self.d_params, ask(real, fake.detach()))
        if shared:
            by_g = torch.autograd.grad(fake, self.g_params, self.slope(fake.detach()))
        else:
            by_g = self.g_gradients(real, self.latents())
        self.update(self.adam_g, self.g_params, by_g)

    def originals(self):
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
                # Fused Adam reads both as they lie in memory.
                gradient = torch.empty_like(p).copy_(gradient)
            p.grad = gradient
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def autocast(self):
        return torch.autocast("cpu", torch.bfloat16, enabled=self.precision == "bf16")

    def forge(self, latents):
        with self.autocast():
            return self.g(latents)

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

    def d_gradients(self, real, fake):
        with self.autocast():
            on_real, on_fake = self.judge(torch.cat([real, fake.to(real.dtype)])).chunk(2)
            loss = self.d_loss(on_real, on_fake)
        return torch.autograd.grad(loss, self.d_params)

    def penalized_gradients(self, real, fake):
        with self.autocast():
            images = torch.cat([real, fake.to(real.dtype)]).requires_grad_(True)
            logits = self.judge(images)
            on_real, on_fake = logits.chunk(2)
            (slope,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
            # R1 and R2 have one gamma: twice the mean over both halves is their sum.
            penalty = 2 * slope.float().square().sum([1, 2, 3]).mean()
            weight = 0.5 * self.system.penalty * self.system.penalty_every
            loss = self.d_loss(on_real, on_fake) + weight * penalty
        return torch.autograd.grad(loss, self.d_params)

    def g_gradients(self, real, latents):
        # Asked for G's gradients alone, autograd works out none of D's.
        with self.autocast():
            on_fake = self.judge(self.g(latents))
            if self.name == "modern":
                with torch.no_grad():
                    on_real = self.judge(real)
                loss = F.softplus(on_real - on_fake).mean()
            else:
                loss = F.softplus(-on_fake).mean()
        return torch.autograd.grad(loss, self.g_params)

    def slope(self, fake):
        """Of G's loss at its images."""
        with self.autocast():
            fake = fake.requires_grad_(True)
            loss = F.softplus(-self.judge(fake)).mean()
        return torch.autograd.grad(loss, fake)[0]

    def both_gradients(self, real, latents):
        with self.autocast():
            fake = self.g(latents)
            # Batch norm must not see originals and forgeries together.
            on_real, on_fake = self.judge(real), self.judge(fake)
            loss_d, loss_g = self.d_loss(on_real, on_fake), F.softplus(-on_fake).mean()
        by_d = torch.autograd.grad(loss_d, self.d_params, retain_graph=True)
        return by_d, torch.autograd.grad(loss_g, self.g_params)
