//! Both networks as a step finds them, and the gradients that each is owed.

use gan_models::{Discriminator, Generator, Layout, Mode, Weights};
use tch::{Kind, Tensor};

use crate::crew::Parts;
use crate::data::Batch;
use crate::game::{self, Game};
use crate::objective::{Verdict, ask};
use crate::settings::Settings;
use crate::spectral::Normalizer;

/// What a thread needs to play: the networks, and handles of its own on their
/// parameters.
pub(crate) struct Players<'a> {
    generator: &'a dyn Generator,
    pub(crate) discriminator: &'a dyn Discriminator,
    normalizer: Option<Normalizer>,
    /// G's parameters `[numel]` in the kind that is computed in.
    g: Tensor,
    /// D's.
    d: Tensor,
}

/// The gradient of a network's parameters, f32 `[numel]`, and what was seen on the
/// way to it.
pub(crate) struct Gradient<T> {
    flat: Tensor,
    seen: T,
    /// Originals that it is the mean over.
    images: i64,
}

impl<T> Gradient<T> {
    /// The gradient of all parts and what `join` makes of what was seen, the parts'
    /// shares of the batch given.
    pub(crate) fn joined(
        parts: Parts<Gradient<T>>,
        join: impl Fn(T, T, [f64; 2]) -> T,
    ) -> (Tensor, T) {
        let (first, second) = match parts {
            Parts::Whole(whole) => return (whole.flat, whole.seen),
            Parts::Halves(first, second) => (first, second),
        };
        let shares = [&first, &second].map(|part| part.images as f64);
        let shares = shares.map(|images| images / (shares[0] + shares[1]));
        (
            mean(&first.flat, &second.flat, shares),
            join(first.seen, second.seen, shares),
        )
    }
}

/// The mean of two means, each over its share.
pub(crate) fn mean(a: &Tensor, b: &Tensor, [of_a, of_b]: [f64; 2]) -> Tensor {
    a * of_a + b * of_b
}

/// Forgeries with the way back to G's weights still open.
pub(crate) struct Forgeries {
    weights: Weights,
    /// `[n, 1, side, side]`.
    pub(crate) images: Tensor,
}

impl<'a> Players<'a> {
    /// The players of `game`, as they are now.
    pub(crate) fn of(game: &'a Game) -> Players<'a> {
        Players {
            generator: game.generator.as_ref(),
            discriminator: game.discriminator.as_ref(),
            normalizer: game.spectral.as_ref().map(|s| s.normalizer().handle()),
            g: game.g.parameters.detach().to_kind(game.kind),
            d: game.d.parameters.detach().to_kind(game.kind),
        }
    }

    /// The same for another thread.
    pub(crate) fn handle(&self) -> Players<'a> {
        Players {
            generator: self.generator,
            discriminator: self.discriminator,
            normalizer: self.normalizer.as_ref().map(Normalizer::handle),
            g: self.g.shallow_clone(),
            d: self.d.shallow_clone(),
        }
    }

    /// D's weights, frozen: gradients flow through them, not into them.
    pub(crate) fn frozen_discriminator(&self) -> Weights {
        self.normalized(self.discriminator.layout().weights(&self.d))
    }

    /// D's `weights` as its forward pass takes them.
    pub(crate) fn normalized(&self, weights: Weights) -> Weights {
        match &self.normalizer {
            Some(normalizer) => normalizer.apply(&weights),
            None => weights,
        }
    }

    /// D's weights, gradients to be asked for.
    fn discriminator_leaves(&self) -> Weights {
        self.discriminator.layout().leaves(&self.d, self.d.kind())
    }

    /// Forgeries from `latents` f32 `[n, size]` of the digits `labels` i64 `[n]`,
    /// where G is conditional, with no way back to G.
    pub(crate) fn forge(&self, latents: &Tensor, labels: &Tensor) -> Tensor {
        let (g, kind) = (&self.g, self.g.kind());
        game::forgeries(self.generator, g, latents, labels, kind, Mode::Train)
    }

    /// The same with the way back.
    pub(crate) fn forge_traced(&self, latents: &Tensor, labels: &Tensor) -> Forgeries {
        let weights = self.generator.layout().leaves(&self.g, self.g.kind());
        let images = self
            .generator
            .forward(&weights, latents, Some(labels), Mode::Train);
        Forgeries { weights, images }
    }

    /// D's gradient from as many `originals` as `forgeries`.
    pub(crate) fn discriminator_gradient(
        &self,
        settings: &Settings,
        originals: &Batch,
        forgeries: &Tensor,
        penalize: bool,
    ) -> Gradient<Verdict> {
        let leaves = self.discriminator_leaves();
        let forgeries = forgeries.detach();
        let answer = ask(self, settings, &leaves, originals, &forgeries, penalize);
        let layout = self.discriminator.layout();
        Gradient {
            flat: gradient(&answer.objective, layout, &leaves, false),
            seen: answer.verdict(),
            images: originals.len(),
        }
    }

    /// G's gradient through the frozen D, and its loss, f32 scalar.
    pub(crate) fn generator_gradient(
        &self,
        settings: &Settings,
        originals: &Batch,
        forgeries: &Forgeries,
    ) -> Gradient<Tensor> {
        let frozen = self.frozen_discriminator();
        let classifier = |images: &Tensor| {
            self.discriminator
                .forward(&frozen, images, Some(&originals.labels), Mode::Train)
                .to_kind(Kind::Float)
        };
        let fake = classifier(&forgeries.images);
        let real = if settings.loss.compares() {
            classifier(&originals.images)
        } else {
            fake.detach()
        };
        let loss = settings
            .loss
            .generator(&settings.limited(&real), &settings.limited(&fake));
        Gradient {
            flat: gradient(&loss, self.generator.layout(), &forgeries.weights, false),
            seen: loss.detach(),
            images: originals.len(),
        }
    }

    /// Both gradients from one pass over `forgeries`: each network learns from the
    /// other as it is.
    pub(crate) fn both_gradients(
        &self,
        settings: &Settings,
        originals: &Batch,
        forgeries: &Forgeries,
        penalize: bool,
    ) -> (Gradient<Verdict>, Gradient<Tensor>) {
        let leaves = self.discriminator_leaves();
        let answer = ask(
            self,
            settings,
            &leaves,
            originals,
            &forgeries.images,
            penalize,
        );
        let loss = settings.loss.generator(
            &settings.limited(&answer.real),
            &settings.limited(&answer.fake),
        );
        let images = originals.len();
        // The graph is needed once more, for G.
        let by_d = Gradient {
            flat: gradient(
                &answer.objective,
                self.discriminator.layout(),
                &leaves,
                true,
            ),
            seen: answer.verdict(),
            images,
        };
        let by_g = Gradient {
            flat: gradient(&loss, self.generator.layout(), &forgeries.weights, false),
            seen: loss.detach(),
            images,
        };
        (by_d, by_g)
    }
}

/// The gradient of `objective`, a scalar, by the `leaves` of `layout`, f32 `[numel]`.
fn gradient(objective: &Tensor, layout: &Layout, leaves: &Weights, keep_graph: bool) -> Tensor {
    let gradients = Tensor::run_backward(&[objective], leaves.tensors(), keep_graph, false);
    layout.flatten_grads(&gradients, objective.device())
}
