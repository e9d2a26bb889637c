//! Networks that are lists of layers.

use gan_graph::Graph;
use tch::{Tensor, no_grad};

use crate::export::{Calibration, ExportError, GraphExport};
use crate::latent::LatentDistribution;
use crate::layers::{ForwardContext, Layer};
use crate::network::{Discriminator, Generator, Mode};
use crate::params::{ParamLayout, Weights};
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
    layout: ParamLayout,
    layers: Vec<Box<dyn Layer>>,
}

impl Sequential {
    /// Builds the layers with [`layers!`](crate::layers!). They declare their
    /// parameters in the [`ParamLayout`].
    pub fn new(build: impl FnOnce(&mut ParamLayout) -> Vec<Box<dyn Layer>>) -> Sequential {
        let mut layout = ParamLayout::new();
        let layers = build(&mut layout);
        Sequential { layout, layers }
    }

    /// The layers in the order of computation.
    pub fn layers(&self) -> &[Box<dyn Layer>] {
        &self.layers
    }

    fn forward(&self, weights: &Weights, x: &Tensor, context: &ForwardContext) -> Tensor {
        let layers = self.layers.iter();
        layers.fold(x.shallow_clone(), |x, l| l.forward(weights, &x, context))
    }

    /// The number of classes, if a layer uses labels.
    fn classes(&self) -> Option<i64> {
        self.layers.iter().filter_map(|layer| layer.depends_on().classes()).min()
    }

    fn uses_batch_statistics(&self) -> bool {
        self.layers.iter().any(|layer| layer.depends_on().is_batch())
    }

    /// Adds the layers to a graph whose input is called `x`, and returns the name of
    /// the output. `calibration` passes through the layers up to the last one with batch
    /// statistics.
    fn export(
        &self,
        export: &mut GraphExport,
        x: &str,
        calibration: Option<Calibration>,
    ) -> Result<String, ExportError> {
        let last = self.layers.iter().rposition(|layer| layer.depends_on().is_batch());
        let labels = calibration.and_then(|batch| batch.labels);
        let context = ForwardContext { labels, mode: Mode::Eval };
        let mut values =
            calibration.filter(|_| last.is_some()).map(|batch| batch.input.shallow_clone());
        let mut name = x.to_owned();
        for (i, layer) in self.layers.iter().enumerate() {
            name = layer.export(export, &name, values.as_ref())?;
            values = values.filter(|_| last.is_some_and(|last| i < last));
            values = values.map(|x| no_grad(|| layer.forward(export.weights, &x, &context)));
        }
        Ok(name)
    }
}

/// A generator whose layers map latents `[n, dim]` to images
/// `[n, 1, side, side]`.
#[derive(Debug)]
pub struct SequentialGenerator {
    /// The layers.
    pub network: Sequential,
    /// The distribution of the latents.
    pub latent: LatentDistribution,
    /// Rows of an image, which are as many as its columns.
    pub image_side: i64,
    /// The range of the pixels.
    pub pixel_range: PixelRange,
    /// See [`Generator::data_parallel`].
    pub data_parallel: bool,
}

impl Generator for SequentialGenerator {
    fn layout(&self) -> &ParamLayout {
        &self.network.layout
    }

    fn latent(&self) -> LatentDistribution {
        self.latent
    }

    fn classes(&self) -> Option<i64> {
        self.network.classes()
    }

    fn image_side(&self) -> i64 {
        self.image_side
    }

    fn pixel_range(&self) -> PixelRange {
        self.pixel_range
    }

    fn uses_batch_statistics(&self) -> bool {
        self.network.uses_batch_statistics()
    }

    fn data_parallel(&self) -> bool {
        self.data_parallel
    }

    fn forward(&self, w: &Weights, z: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Tensor {
        self.network.forward(w, z, &ForwardContext { labels, mode })
    }

    fn to_graph(
        &self,
        weights: &Weights,
        calibration: Option<Calibration>,
    ) -> Result<Graph, ExportError> {
        let parameters = (self.layout(), weights);
        let input = ("latent", &[self.latent.dim()][..]);
        let mut export = GraphExport::new("generator", parameters, input, self.conditional())?;
        let image = self.network.export(&mut export, input.0, calibration)?;
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
    /// See [`Discriminator::data_parallel`].
    pub data_parallel: bool,
}

impl Discriminator for SequentialDiscriminator {
    fn layout(&self) -> &ParamLayout {
        &self.network.layout
    }

    fn classes(&self) -> Option<i64> {
        self.network.classes()
    }

    fn uses_batch_statistics(&self) -> bool {
        self.network.uses_batch_statistics()
    }

    fn data_parallel(&self) -> bool {
        self.data_parallel
    }

    fn forward(&self, w: &Weights, images: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Tensor {
        let logits = self.network.forward(w, images, &ForwardContext { labels, mode });
        logits.view([-1])
    }

    fn to_graph(
        &self,
        side: i64,
        weights: &Weights,
        calibration: Option<Calibration>,
    ) -> Result<Graph, ExportError> {
        let parameters = (self.layout(), weights);
        let input = ("image", &[1, side, side][..]);
        let mut export = GraphExport::new("discriminator", parameters, input, self.conditional())?;
        let mut logit = self.network.export(&mut export, input.0, calibration)?;
        if export.graph.shape(&logit).is_some_and(|shape| shape.len() != 1) {
            logit = export.graph.reshape(&logit, &[0])?;
        }
        Ok(export.graph.finish(&logit, "logit")?)
    }
}
