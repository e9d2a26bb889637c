"""The training step in the style of PyTorch's tutorials.

f32, channels first, a DataLoader with a transform per image, Adam with its default
implementation. G's update computes D's gradients too; they are cleared later. Both losses are
read in each step.
"""

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset, RandomSampler

from networks import build


class Mnist(Dataset):
    """Converts images one by one, like torchvision's transforms."""

    def __init__(self, images, system):
        self.images, self.system = images, system

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        x = self.images[index].unsqueeze(0).float().div(255)
        side = self.system.side
        if side != x.shape[-1]:
            x = F.interpolate(x[None], (side, side), mode="bilinear")[0]
        return x.sub(0.5).div(0.5) if self.system.symmetric else x


class DefaultStyle:
    """One system in this style; `step` is one update of D and one of G."""

    precision = "f32"

    def __init__(self, name, system, images, batch):
        self.system, self.batch = system, batch
        self.g, self.d = build(name, system, channels_last=False)
        adam = lambda network, lr: torch.optim.Adam(
            network.parameters(), lr=lr, betas=system.betas, eps=system.epsilon
        )
        self.adam_g, self.adam_d = adam(self.g, system.lr_g), adam(self.d, system.lr_d)
        self.average = [p.detach().clone() for p in self.g.parameters()]
        self.update_both = getattr(self, name)
        self.bce = torch.nn.BCELoss()
        self.bce_logits = torch.nn.BCEWithLogitsLoss()
        data = Mnist(torch.from_numpy(images[: system.train_images].copy()), system)
        sampler = RandomSampler(data, replacement=True) if system.with_replacement else None
        self.loader = DataLoader(
            data, batch, shuffle=sampler is None, sampler=sampler, drop_last=True
        )
        self.batches = iter(self.loader)

    def step(self, finished):
        """Runs a step after `finished` steps; returns both losses."""
        try:
            real = next(self.batches)
        except StopIteration:
            self.batches = iter(self.loader)
            real = next(self.batches)
        loss_d, loss_g = self.update_both(real, finished)
        if self.system.ema_images:
            seen = (finished + 1) * self.batch
            with torch.no_grad():
                for average, p in zip(self.average, self.g.parameters()):
                    average.lerp_(p, 1.0 - self.system.ema_decay(self.batch, seen))
        return loss_d.item(), loss_g.item()

    def latents(self):
        return self.system.latents(self.batch)

    def update(self, optimizer, loss):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def modern(self, real, finished):
        penalize = finished % self.system.penalty_every == 0
        fake = self.g(self.latents()).detach()
        if penalize:
            real.requires_grad_(True)
            fake.requires_grad_(True)
        on_real, on_fake = self.d(real), self.d(fake)
        loss_d = objective = F.softplus(on_fake - on_real).mean()
        if penalize:
            # R1 and R2; the weight compensates for the steps without penalties.
            weight = 0.5 * self.system.penalty * self.system.penalty_every
            for images, logits in [(real, on_real), (fake, on_fake)]:
                (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
                penalty = gradient.square().sum([1, 2, 3]).mean()
                objective = objective + weight * penalty
        self.update(self.adam_d, objective)

        fake = self.g(self.latents())
        loss_g = F.softplus(self.d(real.detach()) - self.d(fake)).mean()
        self.update(self.adam_g, loss_g)
        return loss_d, loss_g

    def oshea(self, real, _finished):
        def loss(images, labels):
            # Keras clips probabilities.
            p = self.d(images).softmax(1).clamp(1e-7, 1 - 1e-7)
            return F.nll_loss(p.log(), labels)

        n = len(real)
        labels = torch.cat([torch.ones(n), torch.zeros(n)]).long()
        fake = self.g(self.latents()).detach()
        loss_d = loss(torch.cat([real, fake]), labels)
        self.update(self.adam_d, loss_d)

        loss_g = loss(self.g(self.latents()), torch.ones(n).long())
        self.update(self.adam_g, loss_g)
        return loss_d, loss_g

    def golbin(self, real, _finished):
        ones, zeros = torch.ones(len(real), 1), torch.zeros(len(real), 1)
        fake = self.g(self.latents())
        on_real, on_fake = self.d(real), self.d(fake.detach())
        loss_d = self.bce_logits(on_real, ones) + self.bce_logits(on_fake, zeros)
        self.update(self.adam_d, loss_d)

        loss_g = self.bce_logits(self.d(fake), ones)
        self.update(self.adam_g, loss_g)
        return loss_d, loss_g

    def dcgan(self, real, _finished):
        # The order of PyTorch-GAN's script: G first, then D on the same fake images.
        valid, invalid = torch.ones(len(real), 1), torch.zeros(len(real), 1)
        classify = lambda images: torch.sigmoid(self.d(images))
        fake = self.g(self.latents())
        loss_g = self.bce(classify(fake), valid)
        self.update(self.adam_g, loss_g)

        real_loss = self.bce(classify(real), valid)
        fake_loss = self.bce(classify(fake.detach()), invalid)
        loss_d = (real_loss + fake_loss) / 2
        self.update(self.adam_d, loss_d)
        return loss_d, loss_g
