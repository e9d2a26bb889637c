//! The gradients of both networks for one shard of a batch.

use gan_models::{Discriminator, Generator, Mode, ParamLayout, Weights};
use tch::{Kind, Tensor, no_grad};

use crate::loader::Batch;
use crate::objective::{DiscriminatorOutput, Objective};
use crate::spectral_norm::SingularVectors;
use crate::workers::{Gradient, MergeShards};

/// Both networks with their parameters for one update. Clones share memory. In f32,
/// they share it with the [`Gan`](crate::Gan) too.
pub(crate) struct Replica<'a> {
    pub(crate) generator: &'a dyn Generator,
    pub(crate) discriminator: &'a dyn Discriminator,
    /// For spectral normalization of D's weights.
    pub(crate) vectors: Option<SingularVectors>,
    pub(crate) objective: &'a Objective,
    /// G's parameters `[numel]` in the data type of computation.
    pub(crate) g_parameters: Tensor,
    /// D's parameters `[numel]`.
    pub(crate) d_parameters: Tensor,
}

/// D's loss and logits, detached from the autograd graph.
#[derive(Debug)]
pub struct DiscriminatorStats {
    /// The loss without penalties, f32 scalar.
    pub loss: Tensor,
    /// Logits of the real images, f32 `[n]`, before the update of D.
    pub real_logits: Tensor,
    /// Logits of the fake images, f32 `[n]`, before the update of D.
    pub fake_logits: Tensor,
}

impl From<&DiscriminatorOutput> for DiscriminatorStats {
    fn from(output: &DiscriminatorOutput) -> Self {
        DiscriminatorStats {
            loss: output.loss.detach(),
            real_logits: output.real_logits.detach(),
            fake_logits: output.fake_logits.detach(),
        }
    }
}

impl MergeShards for DiscriminatorStats {
    fn merge(self, other: Self, shares: [f64; 2]) -> Self {
        DiscriminatorStats {
            loss: self.loss.merge(other.loss, shares),
            real_logits: Tensor::cat(&[self.real_logits, other.real_logits], 0),
            fake_logits: Tensor::cat(&[self.fake_logits, other.fake_logits], 0),
        }
    }
}

/// Generated images that carry the autograd graph of G.
pub(crate) struct FakeWithGraph {
    /// G's leaves.
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

    /// D's weights after spectral normalization, without gradients. Images still get gradients.
    pub(crate) fn discriminator_weights(&self) -> Weights {
        self.normalize_weights(self.discriminator.layout().weights(&self.d_parameters))
    }

    fn normalize_weights(&self, weights: Weights) -> Weights {
        match &self.vectors {
            Some(vectors) => vectors.normalize_weights(&weights),
            None => weights,
        }
    }

    /// Fake images without a gradient.
    pub(crate) fn generate_fake(&self, latents: &Tensor, labels: &Tensor) -> Tensor {
        no_grad(|| {
            let weights = self.generator.layout().weights(&self.g_parameters);
            self.generator.forward(&weights, latents, Some(labels), Mode::Train)
        })
    }

    pub(crate) fn generate_fake_with_graph(
        &self,
        latents: &Tensor,
        labels: &Tensor,
    ) -> FakeWithGraph {
        let weights = self.generator.layout().leaves(&self.g_parameters, self.g_parameters.kind());
        let images = self.generator.forward(&weights, latents, Some(labels), Mode::Train);
        FakeWithGraph { weights, images }
    }

    /// D's logits. If there are twice as many images as labels, both halves of the images have
    /// these labels.
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
        let weights = self.normalize_weights(leaves.map(|_, leaf| leaf.shallow_clone()));
        let one_pass = !self.discriminator.uses_batch_statistics();
        let discriminate = |images: &Tensor| self.discriminate(&weights, images, &real.labels);
        let output = self.objective.discriminator_loss(
            &discriminate,
            &real.images,
            fake,
            one_pass,
            penalize,
        );
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
            flat: gradient(&output.loss_with_penalties, layout, &leaves, false),
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
        let weights = self.discriminator_weights();
        let logits = |images: &Tensor| {
            self.discriminate(&weights, images, &real.labels).to_kind(Kind::Float)
        };
        let fake_logits = logits(&fake.images);
        let real_logits = match self.objective.loss.generator_uses_real {
            true => logits(&real.images),
            // This loss does not use them.
            false => fake_logits.detach(),
        };
        let loss = self.objective.generator_loss(&real_logits, &fake_logits);
        Gradient {
            flat: gradient(&loss, self.generator.layout(), &fake.weights, false),
            aux: loss.detach(),
            images: real.len(),
        }
    }

    /// Both gradients from the same forward passes.
    pub(crate) fn both_gradients(
        &self,
        real: &Batch,
        fake: &FakeWithGraph,
        penalize: bool,
    ) -> (Gradient<DiscriminatorStats>, Gradient<Tensor>) {
        let (output, leaves) = self.discriminator_output(real, &fake.images, penalize);
        let loss_g = self.objective.generator_loss(&output.real_logits, &output.fake_logits);
        let images = real.len();
        let layout = self.discriminator.layout();
        // Keep the graph: G's gradient uses it too.
        let d = Gradient {
            flat: gradient(&output.loss_with_penalties, layout, &leaves, true),
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

/// The gradient of a scalar with respect to the `leaves` of `layout`, f32 `[numel]`.
fn gradient(loss: &Tensor, layout: &ParamLayout, leaves: &Weights, keep_graph: bool) -> Tensor {
    let gradients = Tensor::run_backward(&[loss], leaves.tensors(), keep_graph, false);
    layout.flatten(&gradients, loss.device())
}
