//! A classifier of images for evaluation metrics, with trained weights for MNIST's digits.

use tch::{Device, Kind, Tensor, no_grad};

use crate::encoding::{SafeTensors, WeightsError};
use crate::layers::{Conv2d, Dropout, ForwardContext, Layer, Linear, channels_last};
use crate::network::Mode;
use crate::params::{Init, ParamLayout, Weights};
use crate::pixels::PixelRange;

/// SHA-256 of the built-in weights, `weights/classifier.safetensors`. The README
/// beside that file says how they were trained.
pub const SHA256: &str = "be337533289f403bf96bc693bd4c6c62a86901f68e804d8caefa6caa41bbcd8a";

/// Classes of MNIST and of the built-in weights: the digits 0 to 9.
pub const DIGITS: i64 = 10;

/// Rows and columns of an input image.
pub const SIDE: i64 = 28;

/// Number of features per image.
pub const FEATURES: i64 = 128;

const WEIGHTS: &[u8] = include_bytes!("../weights/classifier.safetensors");

/// Images per forward pass. Each takes memory for the 25,088 outputs of the first
/// layer.
const CHUNK: i64 = 500;

/// Dropout rate of the features before the last layer.
const DROPOUT: f64 = 0.3;

/// Weights or images that the classifier rejects.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClassifierError {
    /// The weights do not fit the network.
    #[error("classifier weights: {0}")]
    Weights(#[from] WeightsError),
    /// The images are not bytes.
    #[error("the classifier takes images of u8, not of {kind:?}")]
    Kind {
        /// Kind of the images.
        kind: Kind,
    },
    /// The images have another size than MNIST's.
    #[error(
        "the classifier takes images [n, 28, 28] or [n, 1, 28, 28], not {shape:?}; resize them first"
    )]
    Shape {
        /// Shape of the images.
        shape: Vec<i64>,
    },
}

/// A [`ClassifierNetwork`] with weights.
///
/// It always computes in f32 on the CPU to make numbers from different machines
/// comparable. With AVX-512, AVX2 and SSE4.1 instructions, features were within 1e-5
/// of those computed in f64.
#[derive(Debug)]
pub struct Classifier {
    network: ClassifierNetwork,
    parameters: Tensor,
}

impl Classifier {
    /// Loads the weights that are part of this crate.
    ///
    /// # Errors
    /// [`ClassifierError::Weights`] if libtorch reports an error.
    pub fn trained() -> Result<Classifier, ClassifierError> {
        Classifier::from_safetensors(WEIGHTS)
    }

    /// Reads the weights from the `bytes` of a safetensors file, for 1 to 256 classes.
    ///
    /// # Errors
    /// [`ClassifierError::Weights`] if they do not fit the network.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Classifier, ClassifierError> {
        let network = ClassifierNetwork::new(classes(bytes)?);
        let parameters = network.layout.read_safetensors(bytes)?;
        Ok(Classifier { network, parameters })
    }

    /// Copies the weights from `parameters`, a buffer of `network`'s layout, f32
    /// `[numel]`.
    ///
    /// # Errors
    /// [`ClassifierError::Weights`] for another buffer.
    pub fn new(
        network: ClassifierNetwork,
        parameters: &Tensor,
    ) -> Result<Classifier, ClassifierError> {
        network.layout.check_buffer(parameters)?;
        Ok(Classifier {
            network,
            // Optimizers change the caller's buffer in place.
            parameters: parameters.detach().to_device(Device::Cpu).copy(),
        })
    }

    /// The number of classes.
    pub fn classes(&self) -> i64 {
        self.network.classes
    }

    /// Encodes the weights as a safetensors file.
    ///
    /// # Errors
    /// [`ClassifierError::Weights`] if libtorch reports an error.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, ClassifierError> {
        Ok(self.network.layout.to_safetensors(&self.parameters)?)
    }

    /// Computes the features, f32 `[n, 128]`, 0 or more, and the logits, f32
    /// `[n, classes]`, of `images`, u8 `[n, 28, 28]` or `[n, 1, 28, 28]`, 0 for
    /// background.
    ///
    /// The results carry no gradients. Apart from them, memory does not depend on `n`.
    /// 10,000 images take about two seconds on one core (Zen 4).
    ///
    /// # Errors
    /// [`ClassifierError::Kind`] or [`ClassifierError::Shape`] for other images. The
    /// caller resizes images because the right method depends on them.
    pub fn features_and_logits(
        &self,
        images: &Tensor,
    ) -> Result<(Tensor, Tensor), ClassifierError> {
        let kind = images.kind();
        if kind != Kind::Uint8 {
            return Err(ClassifierError::Kind { kind });
        }
        let shape = images.size();
        let n = match *shape.as_slice() {
            [n, SIDE, SIDE] | [n, 1, SIDE, SIDE] => n,
            _ => return Err(ClassifierError::Shape { shape }),
        };
        let images = images.to_device(Device::Cpu).reshape([n, 1, SIDE, SIDE]);
        let weights = self.network.layout.weights(&self.parameters);
        let outputs = images.split(CHUNK, 0).into_iter().map(|chunk| {
            let pixels = PixelRange::Unit.from_bytes(&chunk, Kind::Float);
            self.network.forward(&weights, &pixels, Mode::Eval)
        });
        let (features, logits): (Vec<_>, Vec<_>) = no_grad(|| outputs.unzip());
        Ok((Tensor::cat(&features, 0), Tensor::cat(&logits, 0)))
    }
}

/// The architecture: two 5×5 convolutions to 32 and 64 channels, each with 2×2
/// max-pooling and ReLU; linear to 128 features, ReLU; linear to a logit for each class.
#[derive(Debug)]
pub struct ClassifierNetwork {
    layout: ParamLayout,
    classes: i64,
    conv1: Conv2d,
    conv2: Conv2d,
    dense: Linear,
    output: Linear,
}

impl ClassifierNetwork {
    /// Declares the network; for ten `classes`, it has 454,922 parameters.
    pub fn new(classes: i64) -> ClassifierNetwork {
        let mut layout = ParamLayout::new();
        let l = &mut layout;
        let conv = |l: &mut ParamLayout, name, inputs, outputs| {
            let init = Init::he_normal(inputs * 25, 2f64.sqrt());
            Conv2d::new(l, name, (inputs, outputs), 5, (1, 2), init)
        };
        let linear = |l: &mut ParamLayout, name, inputs, outputs, gain| {
            Linear::new(l, name, inputs, outputs, Init::he_normal(inputs, gain))
        };
        ClassifierNetwork {
            conv1: conv(l, "conv1", 1, 32),
            conv2: conv(l, "conv2", 32, 64),
            dense: linear(l, "dense", 7 * 7 * 64, FEATURES, 2f64.sqrt()),
            output: linear(l, "output", FEATURES, classes, 1.0),
            classes,
            layout,
        }
    }

    /// The network's parameters.
    pub fn layout(&self) -> &ParamLayout {
        &self.layout
    }

    /// Computes features `[n, 128]` and logits `[n, classes]` of images `[n, 1, 28, 28]`
    /// in [`PixelRange::Unit`]; the results have the weights' data type.
    pub fn forward(&self, weights: &Weights, images: &Tensor, mode: Mode) -> (Tensor, Tensor) {
        let context = &ForwardContext { labels: None, mode };
        // ReLU and maximum commute; after pooling, ReLU processes fewer values.
        let pool = |x: Tensor| x.max_pool2d_default(2).relu();
        let x = channels_last(images);
        let x = pool(self.conv1.forward(weights, &x, context));
        let x = pool(self.conv2.forward(weights, &x, context));
        // Flattened in memory order, [n, 7, 7, 64], without a copy.
        let x = x.permute([0, 2, 3, 1]).flatten(1, -1);
        let features = self.dense.forward(weights, &x, context).relu();
        let dropped = Dropout(DROPOUT).forward(weights, &features, context);
        (features, self.output.forward(weights, &dropped, context))
    }
}

/// The number of classes of the classifier in a safetensors file.
fn classes(bytes: &[u8]) -> Result<i64, WeightsError> {
    let file = SafeTensors::deserialize(bytes)?;
    let bias = file.tensor("output.bias").ok();
    let found = bias.and_then(|bias| bias.shape().first().copied());
    // If the tensor is missing or has another shape, `read_safetensors` reports it.
    let found = found.filter(|found| (1..=256).contains(found));
    Ok(found.map_or(DIGITS, |found| found as i64))
}
