//! Gradients of both networks from one thread's part of a batch.

use gan_models::{Discriminator, Generator, Layout, Mode, Weights};
use tch::{Kind, Tensor, no_grad};

use crate::loader::Batch;
use crate::objective::{DiscriminatorOutput, Objective};
use crate::spectral_norm::SingularVectors;
use crate::workers::{Gradient, Merge};

/// Both networks with the parameters of one update, for one thread.
pub(crate) struct Replica<'a> {
    pub(crate) generator: &'a dyn Generator,
    pub(crate) discriminator: &'a dyn Discriminator,
    /// For spectral normalization of D's weights.
    pub(crate) vectors: Option<SingularVectors>,
    pub(crate) objective: &'a Objective,
    /// G's parameters `[numel]` in the kind that the networks compute in.
    pub(crate) g_parameters: Tensor,
    /// D's parameters `[numel]`.
    pub(crate) d_parameters: Tensor,
}

/// D's loss and logits, detached from its weights.
#[derive(Debug)]
pub struct DiscriminatorStats {
    /// The loss without penalties, f32 scalar.
    pub loss: Tensor,
    /// Logits of the real images, f32 `[n]`.
    pub real: Tensor,
    /// Logits of the fake images, f32 `[n]`.
    pub fake: Tensor,
}

impl From<&DiscriminatorOutput> for DiscriminatorStats {
    fn from(output: &DiscriminatorOutput) -> Self {
        DiscriminatorStats {
            loss: output.loss.detach(),
            real: output.real.detach(),
            fake: output.fake.detach(),
        }
    }
}

impl Merge for DiscriminatorStats {
    fn merge(self, other: Self, weights: [f64; 2]) -> Self {
        DiscriminatorStats {
            loss: self.loss.merge(other.loss, weights),
            real: Tensor::cat(&[self.real, other.real], 0),
            fake: Tensor::cat(&[self.fake, other.fake], 0),
        }
    }
}

/// Generated images that carry the autograd graph of G.
pub(crate) struct FakeWithGraph {
    weights: Weights,
    /// `[n, 1, side, side]`.
    pub(crate) images: Tensor,
}

impl Replica<'_> {
    /// The same tensors for another thread.
    pub(crate) fn shallow_clone(&self) -> Self {
        Replica {
            vectors: self.vectors.as_ref().map(SingularVectors::shallow_clone),
            g_parameters: self.g_parameters.shallow_clone(),
            d_parameters: self.d_parameters.shallow_clone(),
            ..*self
        }
    }

    /// D's weights, normalized, which do not require gradients. Gradients still flow to the
    /// images.
    pub(crate) fn frozen_discriminator(&self) -> Weights {
        self.normalize(self.discriminator.layout().weights(&self.d_parameters))
    }

    fn normalize(&self, weights: Weights) -> Weights {
        match &self.vectors {
            Some(vectors) => vectors.normalize(&weights),
            None => weights,
        }
    }

    /// Fake images without a gradient.
    pub(crate) fn fake(&self, latents: &Tensor, labels: &Tensor) -> Tensor {
        no_grad(|| {
            let weights = self.generator.layout().weights(&self.g_parameters);
            self.generator.forward(&weights, latents, Some(labels), Mode::Train)
        })
    }

    pub(crate) fn fake_with_graph(&self, latents: &Tensor, labels: &Tensor) -> FakeWithGraph {
        let weights = self.generator.layout().leaves(&self.g_parameters, self.g_parameters.kind());
        let images = self.generator.forward(&weights, latents, Some(labels), Mode::Train);
        FakeWithGraph { weights, images }
    }

    /// D's logits as a function of images; with twice as many images as labels,
    /// the labels repeat.
    fn discriminate(&self, weights: &Weights, images: &Tensor, labels: &Tensor) -> Tensor {
        let labels = match images.size()[0] == labels.size()[0] {
            true => labels.shallow_clone(),
            false => Tensor::cat(&[labels, labels], 0),
        };
        self.discriminator.forward(weights, images, Some(&labels), Mode::Train)
    }

    /// D's loss, and D's weights as leaves of its graph.
    fn discriminator_output(
        &self,
        real: &Batch,
        fake: &Tensor,
        penalize: bool,
    ) -> (DiscriminatorOutput, Weights) {
        let leaves =
            self.discriminator.layout().leaves(&self.d_parameters, self.d_parameters.kind());
        let weights = self.normalize(leaves.map(|_, leaf| leaf.shallow_clone()));
        let one_pass = !self.discriminator.uses_batch_statistics();
        let discriminate = |images: &Tensor| self.discriminate(&weights, images, &real.labels);
        let output =
            self.objective.discriminator(&discriminate, &real.images, fake, one_pass, penalize);
        (output, leaves)
    }

    pub(crate) fn discriminator_gradient(
        &self,
        real: &Batch,
        fake: &Tensor,
        penalize: bool,
    ) -> Gradient<DiscriminatorStats> {
        let (output, leaves) = self.discriminator_output(real, fake, penalize);
        let layout = self.discriminator.layout();
        Gradient {
            flat: gradient(&output.objective, layout, &leaves, false),
            aux: DiscriminatorStats::from(&output),
            images: real.len(),
        }
    }

    /// G's gradient through D's fixed weights, and its loss.
    pub(crate) fn generator_gradient(
        &self,
        real: &Batch,
        fake: &FakeWithGraph,
    ) -> Gradient<Tensor> {
        let weights = self.frozen_discriminator();
        let logits = |images: &Tensor| {
            self.discriminate(&weights, images, &real.labels).to_kind(Kind::Float)
        };
        let fake_logits = logits(&fake.images);
        let real_logits = match self.objective.loss.generator_uses_real {
            true => logits(&real.images),
            // Not used by this loss.
            false => fake_logits.detach(),
        };
        let loss = self.objective.generator(&real_logits, &fake_logits);
        Gradient {
            flat: gradient(&loss, self.generator.layout(), &fake.weights, false),
            aux: loss.detach(),
            images: real.len(),
        }
    }

    /// Both gradients from one forward pass.
    pub(crate) fn both_gradients(
        &self,
        real: &Batch,
        fake: &FakeWithGraph,
        penalize: bool,
    ) -> (Gradient<DiscriminatorStats>, Gradient<Tensor>) {
        let (output, leaves) = self.discriminator_output(real, &fake.images, penalize);
        let loss_g = self.objective.generator(&output.real, &output.fake);
        let images = real.len();
        let layout = self.discriminator.layout();
        // G's gradient needs the graph again.
        let d = Gradient {
            flat: gradient(&output.objective, layout, &leaves, true),
            aux: DiscriminatorStats::from(&output),
            images,
        };
        let g = Gradient {
            flat: gradient(&loss_g, self.generator.layout(), &fake.weights, false),
            aux: loss_g.detach(),
            images,
        };
        (d, g)
    }
}

/// The gradient of a scalar by the `leaves` of `layout`, f32 `[numel]`.
fn gradient(objective: &Tensor, layout: &Layout, leaves: &Weights, keep_graph: bool) -> Tensor {
    let gradients = Tensor::run_backward(&[objective], leaves.tensors(), keep_graph, false);
    layout.flatten(&gradients, objective.device())
}
