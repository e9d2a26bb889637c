//! What D is asked in a step: its loss on originals and forgeries, and what it
//! pays for steep gradients.

use gan_models::{Mode, Weights};
use tch::{Kind, Tensor};

use crate::data::Batch;
use crate::penalties::{around, between, off_unit_gradient, squared_gradient};
use crate::players::{Players, mean};
use crate::settings::Settings;

/// D's answer in one of its updates.
#[derive(Debug)]
pub struct Verdict {
    /// The loss, penalties left out, f32 scalar.
    pub loss: Tensor,
    /// Logits of the originals, f32 `[n]`.
    pub originals: Tensor,
    /// Logits of the forgeries, f32 `[n]`.
    pub forgeries: Tensor,
}

impl Verdict {
    /// Two parts of one batch as one, their shares of it given.
    pub(crate) fn join(self, other: Verdict, shares: [f64; 2]) -> Verdict {
        let both = |a: &Tensor, b: &Tensor| Tensor::cat(&[a, b], 0);
        Verdict {
            loss: mean(&self.loss, &other.loss, shares),
            originals: both(&self.originals, &other.originals),
            forgeries: both(&self.forgeries, &other.forgeries),
        }
    }
}

/// D's answer with the way back to its weights still open.
pub(crate) struct Answer {
    loss: Tensor,
    /// The loss and what D pays for its gradients.
    pub(crate) objective: Tensor,
    /// Logits of the originals, f32 `[n]`.
    pub(crate) real: Tensor,
    /// Logits of the forgeries, f32 `[n]`.
    pub(crate) fake: Tensor,
}

impl Answer {
    pub(crate) fn verdict(&self) -> Verdict {
        Verdict {
            loss: self.loss.detach(),
            originals: self.real.detach(),
            forgeries: self.fake.detach(),
        }
    }
}

/// Shows `originals` and as many `forgeries` to D, its weights `leaves`.
pub(crate) fn ask(
    players: &Players<'_>,
    settings: &Settings,
    leaves: &Weights,
    originals: &Batch,
    forgeries: &Tensor,
    penalize: bool,
) -> Answer {
    let weights = players.normalized(leaves.map(|_, leaf| leaf.shallow_clone()));
    let classifier = |images: &Tensor, labels: &Tensor| {
        players
            .discriminator
            .forward(&weights, images, Some(labels), Mode::Train)
    };
    let n = forgeries.size()[0];
    let labels = &originals.labels;
    let real_images = originals.images.to_kind(leaves.kind());
    let fake_images = forgeries.to_kind(leaves.kind());
    // Originals and forgeries in one tensor, where one pass or one gradient is of
    // both.
    let apart = players.discriminator.uses_batch_statistics();
    let both = (penalize || !apart).then(|| {
        let both = Tensor::cat(&[&real_images, &fake_images], 0);
        if penalize && !both.requires_grad() {
            both.set_requires_grad(true)
        } else {
            both
        }
    });
    let (real, fake) = match (&both, apart) {
        (Some(both), false) => {
            let logits = classifier(both, &Tensor::cat(&[labels, labels], 0));
            halves(&logits, n)
        }
        (Some(both), true) => {
            let (real, fake) = halves(both, n);
            (classifier(&real, labels), classifier(&fake, labels))
        }
        (None, _) => (
            classifier(&real_images, labels),
            classifier(&fake_images, labels),
        ),
    };
    let (real, fake) = (real.to_kind(Kind::Float), fake.to_kind(Kind::Float));
    let loss = settings
        .loss
        .discriminator(&settings.limited(&real), &settings.limited(&fake))
        * settings.loss_d_weight;
    let objective = match &both {
        Some(both) if penalize => {
            let logits = Tensor::cat(&[&real, &fake], 0);
            &loss + penalties(settings, &classifier, originals, both, &logits)
        }
        _ => loss.shallow_clone(),
    };
    Answer {
        loss,
        objective,
        real,
        fake,
    }
}

/// What D pays for its gradients, weighted up for the steps without penalties;
/// `logits` are its answer to `images`, the originals and then the forgeries.
fn penalties(
    settings: &Settings,
    classifier: &impl Fn(&Tensor, &Tensor) -> Tensor,
    originals: &Batch,
    images: &Tensor,
    logits: &Tensor,
) -> Tensor {
    let n = originals.images.size()[0];
    let every = settings.penalty_every as f64;
    let mut terms = Vec::new();
    if settings.r1 > 0.0 || settings.r2 > 0.0 {
        // γ/2 · E‖∇ₓD‖² for each side.
        let (at_real, at_fake) = halves(&squared_gradient(images, logits), n);
        terms.push(at_real.mean(Kind::Float) * (0.5 * every * settings.r1));
        terms.push(at_fake.mean(Kind::Float) * (0.5 * every * settings.r2));
    }
    let off_unit = |points: Tensor| {
        let points = points.to_kind(images.kind()).set_requires_grad(true);
        off_unit_gradient(&points, &classifier(&points, &originals.labels)).mean(Kind::Float)
    };
    let shares = || Tensor::rand([n, 1, 1, 1], (Kind::Float, images.device()));
    if settings.gradient_penalty > 0.0 {
        let (_, forgeries) = halves(&images.detach().to_kind(Kind::Float), n);
        let points = between(&originals.images, &forgeries, &shares());
        terms.push(off_unit(points) * (every * settings.gradient_penalty));
    }
    if settings.dragan > 0.0 {
        let draws = originals.images.rand_like();
        let points = around(&originals.images, &draws, &shares());
        terms.push(off_unit(points) * (every * settings.dragan));
    }
    terms.into_iter().sum()
}

/// The first `n` of `both` and the others.
fn halves(both: &Tensor, n: i64) -> (Tensor, Tensor) {
    (both.narrow(0, 0, n), both.narrow(0, n, both.size()[0] - n))
}
