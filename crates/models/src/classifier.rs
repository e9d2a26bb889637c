//! The classifier: a classifier of MNIST's digits, trained once and shipped, whose
//! features and verdicts the metrics of forgeries are computed from.

use sha2::{Digest, Sha256};
use tch::{Device, Kind, Tensor, no_grad};

use crate::encoding::WeightsError;
use crate::layers::{CLASSES, Conv2d, Linear, channels_last, dropout, to_compute_kind};
use crate::network::Mode;
use crate::params::{Init, Layout, Weights};
use crate::pixels::PixelRange;

/// SHA-256 of the shipped weights, `weights/classifier.safetensors`; the README beside
/// them says how they were made.
pub const SHA256: &str = "be337533289f403bf96bc693bd4c6c62a86901f68e804d8caefa6caa41bbcd8a";

/// Rows and columns of the images that the classifier takes.
pub const SIDE: i64 = 28;

/// Features that the classifier sees in an image.
pub const FEATURES: i64 = 128;

/// Part of the crate, so that whoever imports it has nothing to fetch or find.
const WEIGHTS: &[u8] = include_bytes!("../weights/classifier.safetensors");

/// Images judged at a time: of each, 25,088 values of the first layer are kept
/// for a moment.
const CHUNK: i64 = 500;

/// Why the classifier cannot classifier.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClassifierError {
    /// The shipped weights are not those that every number was measured with.
    #[error(
        "the classifier's weights have the SHA-256 {found}, not {SHA256}; restore weights/classifier.safetensors"
    )]
    Hash {
        /// SHA-256 of the weights that are there.
        found: String,
    },
    /// The weights fit another network.
    #[error("the classifier's weights: {0}")]
    Weights(#[from] WeightsError),
    /// Pixels that are no bytes.
    #[error("the classifier takes images of u8, not of {kind:?}")]
    Kind {
        /// What the pixels are.
        kind: Kind,
    },
    /// Images of another size than MNIST's.
    #[error(
        "the classifier takes images [n, 28, 28] or [n, 1, 28, 28], not {shape:?}; resize others first"
    )]
    Shape {
        /// The images' shape.
        shape: Vec<i64>,
    },
}

/// [`ClassifierNetwork`] with weights, ready to classifier.
///
/// It computes in f32 on the CPU, whatever else the machine has, so that numbers
/// from different machines can be compared: with the instructions of AVX-512, AVX2
/// or SSE4.1 alike, features were within 1e-5 of those computed in f64.
#[derive(Debug)]
pub struct Classifier {
    network: ClassifierNetwork,
    parameters: Tensor,
}

impl Classifier {
    /// The classifier whose weights ship with this crate; load it once and keep it.
    ///
    /// # Errors
    /// [`ClassifierError::Hash`] where the crate was built with other weights.
    pub fn trained() -> Result<Classifier, ClassifierError> {
        let digest = Sha256::digest(WEIGHTS);
        let found: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        if found != SHA256 {
            return Err(ClassifierError::Hash { found });
        }
        Classifier::from_safetensors(WEIGHTS)
    }

    /// A classifier with the weights of a safetensors file of these `bytes`.
    ///
    /// # Errors
    /// [`ClassifierError::Weights`] where they are not this network's.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Classifier, ClassifierError> {
        let network = ClassifierNetwork::new();
        let parameters = network.layout.read_safetensors(bytes)?;
        Ok(Classifier {
            network,
            parameters,
        })
    }

    /// A classifier with weights from a buffer of `network`'s layout, f32 `[numel]`.
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
            // A copy: optimizers change what they update in place.
            parameters: parameters.detach().to_device(Device::Cpu).copy(),
        })
    }

    /// The weights as the bytes of a safetensors file.
    ///
    /// # Errors
    /// Where libtorch refuses.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, ClassifierError> {
        Ok(self.network.layout.to_safetensors(&self.parameters)?)
    }

    /// Features f32 `[n, 128]`, none below 0, and logits f32 `[n, 10]` of
    /// `images`, u8 `[n, 28, 28]` or `[n, 1, 28, 28]`, 0 for background.
    ///
    /// No gradient is kept. Memory beyond the result does not grow with `n`.
    /// 10,000 images take about two seconds of one core (Zen 4).
    ///
    /// # Errors
    /// [`ClassifierError::Kind`] or [`ClassifierError::Shape`] for other images. Which way
    /// of resizing is right depends on the images, so that it is the caller's
    /// to choose.
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
        let judged = images.split(CHUNK, 0).into_iter().map(|part| {
            let pixels = PixelRange::Unit.from_bytes(&part, Kind::Float);
            self.network.forward(&weights, &pixels, Mode::Sample)
        });
        let (features, logits): (Vec<_>, Vec<_>) = no_grad(|| judged.unzip());
        Ok((Tensor::cat(&features, 0), Tensor::cat(&logits, 0)))
    }
}

/// Two 5×5 convolutions to 32 and 64 channels, each with 2×2 max-pooling and
/// ReLU; dense to 128 features, ReLU; dense to the logits of the digits.
#[derive(Debug)]
pub struct ClassifierNetwork {
    layout: Layout,
    conv1: Conv2d,
    conv2: Conv2d,
    dense: Linear,
    output: Linear,
}

/// Dropped of the features on their way to the logits, in training.
const DROPOUT: f64 = 0.3;

impl ClassifierNetwork {
    /// The network, 454,922 parameters.
    pub fn new() -> ClassifierNetwork {
        let mut layout = Layout::new();
        let l = &mut layout;
        let conv = |l: &mut Layout, name, inputs, outputs| {
            let init = Init::he_normal(inputs * 25, 2f64.sqrt());
            Conv2d::new(l, name, (inputs, outputs), 5, (1, 2), init)
        };
        let dense = 7 * 7 * 64;
        ClassifierNetwork {
            conv1: conv(l, "conv1", 1, 32),
            conv2: conv(l, "conv2", 32, 64),
            dense: Linear::new(
                l,
                "dense",
                dense,
                FEATURES,
                Init::he_normal(dense, 2f64.sqrt()),
            ),
            output: Linear::new(
                l,
                "output",
                FEATURES,
                CLASSES,
                Init::he_normal(FEATURES, 1.0),
            ),
            layout,
        }
    }

    /// Its parameters.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Features `[n, 128]` and logits `[n, 10]` of images `[n, 1, 28, 28]` in
    /// [`PixelRange::Unit`], all in the weights' kind.
    pub fn forward(&self, weights: &Weights, images: &Tensor, mode: Mode) -> (Tensor, Tensor) {
        // ReLU and the maximum can change places, and there is less to do after.
        let pooled = |x: Tensor| x.max_pool2d_default(2).relu();
        let x = channels_last(&to_compute_kind(images, weights));
        let x = pooled(self.conv1.forward(weights, &x));
        let x = pooled(self.conv2.forward(weights, &x));
        // Read in memory order, [n, 7, 7, 64], so that nothing is copied.
        let x = x.permute([0, 2, 3, 1]).flatten(1, -1);
        let features = self.dense.forward(weights, &x).relu();
        let logits = self
            .output
            .forward(weights, &dropout(&features, DROPOUT, mode));
        (features, logits)
    }
}

impl Default for ClassifierNetwork {
    fn default() -> Self {
        ClassifierNetwork::new()
    }
}
