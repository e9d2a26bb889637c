//! Networks that are lists of layers.

use gan_graph::Graph;
use tch::{Tensor, no_grad};

use crate::export::{Calibration, Export, ExportError};
use crate::latent::Latent;
use crate::layers::{Context, Layer};
use crate::network::{Discriminator, Generator, Mode};
use crate::params::{Layout, Weights};
use crate::pixels::PixelRange;

/// Boxes layers for [`Sequential::new`], in the order of computation.
#[macro_export]
macro_rules! layers {
    ($($layer:expr),* $(,)?) => {{
        let layers: Vec<Box<dyn $crate::layers::Layer>> = vec![$(Box::new($layer)),*];
        layers
    }};
}

/// A list of layers and their parameters. Each layer computes from the output of the
/// layer before it.
#[derive(Debug)]
pub struct Sequential {
    layout: Layout,
    layers: Vec<Box<dyn Layer>>,
}

impl Sequential {
    /// Builds the layers with [`layers!`](crate::layers!). They declare their
    /// parameters in the [`Layout`].
    pub fn new(build: impl FnOnce(&mut Layout) -> Vec<Box<dyn Layer>>) -> Sequential {
        let mut layout = Layout::new();
        let layers = build(&mut layout);
        Sequential { layout, layers }
    }

    /// The layers in the order of computation.
    pub fn layers(&self) -> &[Box<dyn Layer>] {
        &self.layers
    }

    fn forward(&self, weights: &Weights, x: &Tensor, context: &Context) -> Tensor {
        let layers = self.layers.iter();
        layers.fold(x.shallow_clone(), |x, l| l.forward(weights, &x, context))
    }

    /// Adds the layers to a graph whose input is called `x`, and returns the name of
    /// the output. `batch` passes through the layers up to the last one that fixes
    /// batch statistics.
    fn export(
        &self,
        export: &mut Export,
        x: &str,
        batch: Option<Calibration>,
    ) -> Result<String, ExportError> {
        let last = self.layers.iter().rposition(|layer| layer.input().has_batch());
        let labels = batch.and_then(|batch| batch.labels);
        let context = Context { labels, mode: Mode::Sample };
        let mut values = batch.filter(|_| last.is_some()).map(|b| b.input.shallow_clone());
        let mut name = x.to_owned();
        for (i, layer) in self.layers.iter().enumerate() {
            name = layer.export(export, &name, values.as_ref())?;
            values = values.filter(|_| last.is_some_and(|last| i < last));
            values = values.map(|x| no_grad(|| layer.forward(export.weights, &x, &context)));
        }
        Ok(name)
    }
}

/// A generator whose layers map latents `[n, size]` to images
/// `[n, 1, side, side]`.
#[derive(Debug)]
pub struct SequentialGenerator {
    /// The layers.
    pub network: Sequential,
    /// The distribution of the latents.
    pub latent: Latent,
    /// Rows of an image, which are as many as its columns.
    pub image_side: i64,
    /// The range of the pixels.
    pub pixel_range: PixelRange,
    /// See [`Generator::shardable`].
    pub shardable: bool,
}

impl Generator for SequentialGenerator {
    fn layout(&self) -> &Layout {
        &self.network.layout
    }

    fn latent(&self) -> Latent {
        self.latent
    }

    fn classes(&self) -> Option<i64> {
        self.network.layers.iter().filter_map(|layer| layer.input().classes()).min()
    }

    fn image_side(&self) -> i64 {
        self.image_side
    }

    fn pixel_range(&self) -> PixelRange {
        self.pixel_range
    }

    fn uses_batch_statistics(&self) -> bool {
        let mut layers = self.network.layers.iter();
        layers.any(|layer| layer.input().has_batch())
    }

    fn shardable(&self) -> bool {
        self.shardable
    }

    fn forward(&self, w: &Weights, z: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Tensor {
        self.network.forward(w, z, &Context { labels, mode })
    }

    fn graph(&self, weights: &Weights, batch: Option<Calibration>) -> Result<Graph, ExportError> {
        let parameters = (self.layout(), weights);
        let input = ("latent", &[self.latent.size()][..]);
        let mut export = Export::new("generator", parameters, input, self.conditional())?;
        let image = self.network.export(&mut export, input.0, batch)?;
        let mut graph = export.graph.finish(&image, "image")?;
        let [low, high] = self.pixel_range.limits();
        graph.metadata = vec![
            ("pixel_range".to_owned(), format!("{low},{high}")),
            ("latent".to_owned(), self.latent.to_json()),
        ];
        Ok(graph)
    }
}

/// A discriminator whose layers map images `[n, 1, side, side]` to logits `[n]`
/// or `[n, 1]`.
#[derive(Debug)]
pub struct SequentialDiscriminator {
    /// The layers.
    pub network: Sequential,
    /// See [`Discriminator::shardable`].
    pub shardable: bool,
}

impl Discriminator for SequentialDiscriminator {
    fn layout(&self) -> &Layout {
        &self.network.layout
    }

    fn classes(&self) -> Option<i64> {
        self.network.layers.iter().filter_map(|layer| layer.input().classes()).min()
    }

    fn uses_batch_statistics(&self) -> bool {
        let mut layers = self.network.layers.iter();
        layers.any(|layer| layer.input().has_batch())
    }

    fn shardable(&self) -> bool {
        self.shardable
    }

    fn forward(&self, w: &Weights, images: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Tensor {
        let logits = self.network.forward(w, images, &Context { labels, mode });
        logits.view([-1])
    }

    fn graph(
        &self,
        side: i64,
        weights: &Weights,
        batch: Option<Calibration>,
    ) -> Result<Graph, ExportError> {
        let parameters = (self.layout(), weights);
        let input = ("image", &[1, side, side][..]);
        let mut export = Export::new("discriminator", parameters, input, self.conditional())?;
        let mut logit = self.network.export(&mut export, input.0, batch)?;
        if export.graph.shape(&logit).is_some_and(|shape| shape.len() != 1) {
            logit = export.graph.reshape(&logit, &[0])?;
        }
        Ok(export.graph.finish(&logit, "logit")?)
    }
}
