//! Spectral normalization of D's weights (Miyato et al. 2018).

use gan_models::{Init, ParamLayout, Weights};
use tch::{Device, Kind, Tensor, no_grad};

/// Divides each weight matrix by its largest singular value σ(W), which power
/// iteration tracks from step to step (Miyato et al. 2018, algorithm 1).
///
/// A convolution kernel `[out, in, h, w]` counts as the matrix
/// `[out, in·h·w]`. Parameters with fewer than two dimensions stay unchanged.
#[derive(Debug)]
pub struct SpectralNorm {
    vectors: SingularVectors,
    /// All vectors, f32 `[numel]` of `layout`.
    flat: Tensor,
    layout: ParamLayout,
}

/// Estimates of the first singular vectors, one pair for each parameter that is a
/// matrix; views of the flat buffer of a [`SpectralNorm`].
#[derive(Debug)]
pub struct SingularVectors(Vec<Option<Pair>>);

#[derive(Debug)]
struct Pair {
    /// f32 `[out]`.
    u: Tensor,
    /// f32 `[in·h·w]`.
    v: Tensor,
}

/// Power iterations before the first step, as many as in PyTorch: random vectors
/// could give a σ near 0.
const FIRST_ITERATIONS: usize = 15;

impl SpectralNorm {
    /// Random vectors after 15 power iterations on `weights`. The random numbers come from
    /// libtorch's global random number generator.
    pub fn new(layout: &ParamLayout, weights: &Weights, device: Device) -> SpectralNorm {
        let mut spectral_norm = SpectralNorm::random(layout, device);
        for _ in 0..FIRST_ITERATIONS {
            spectral_norm.power_iteration(weights);
        }
        spectral_norm
    }

    fn random(layout: &ParamLayout, device: Device) -> SpectralNorm {
        let mut vector_layout = ParamLayout::new();
        let mut add = |name: String, size: i64| vector_layout.add(name, &[size], Init::normal(1.0));
        let ids: Vec<_> = layout
            .params()
            .iter()
            .map(|param| {
                let (&out, rest) = param.shape.split_first().filter(|(_, r)| !r.is_empty())?;
                Some((
                    add(format!("{}.left", param.name), out),
                    add(format!("{}.right", param.name), rest.iter().product()),
                ))
            })
            .collect();
        let flat = vector_layout.init(device);
        let views = vector_layout.weights(&flat);
        let view = |id| {
            let mut view = views.get(id).shallow_clone();
            view.copy_(&unit(&view));
            view
        };
        let vectors = ids.into_iter().map(|ids| {
            let (u, v) = ids?;
            Some(Pair { u: view(u), v: view(v) })
        });
        SpectralNorm { vectors: SingularVectors(vectors.collect()), flat, layout: vector_layout }
    }

    /// The vectors, which [`SpectralNorm::power_iteration`] updates in place.
    pub fn vectors(&self) -> &SingularVectors {
        &self.vectors
    }

    /// The layout and the flat buffer of the vectors. The buffer shares memory.
    pub fn layout_and_buffer(&self) -> (&ParamLayout, Tensor) {
        (&self.layout, self.flat.shallow_clone())
    }

    /// Runs one power iteration for the singular vectors of `weights`.
    pub fn power_iteration(&mut self, weights: &Weights) {
        no_grad(|| {
            for (weight, pair) in weights.tensors().iter().zip(&mut self.vectors.0) {
                if let Some(Pair { u, v }) = pair {
                    let matrix = matrix(weight);
                    v.copy_(&unit(&matrix.tr().mv(u)));
                    u.copy_(&unit(&matrix.mv(v)));
                }
            }
        });
    }
}

impl SingularVectors {
    /// The same vectors for another thread; nothing is copied.
    pub fn shallow_clone(&self) -> SingularVectors {
        let clone = |pair: &Pair| Pair { u: pair.u.shallow_clone(), v: pair.v.shallow_clone() };
        SingularVectors(self.0.iter().map(|pair| pair.as_ref().map(clone)).collect())
    }

    /// Normalizes `weights`, in their own data type. Gradients flow through σ too; the
    /// singular vectors are constants.
    pub fn normalize_weights(&self, weights: &Weights) -> Weights {
        weights.map(|id, weight| match self.0.get(id) {
            Some(Some(Pair { u, v })) => {
                // σ = uᵀ W v
                let sigma = u.dot(&matrix(weight).mv(v));
                weight / sigma.to_kind(weight.kind())
            }
            _ => weight.shallow_clone(),
        })
    }
}

fn matrix(weight: &Tensor) -> Tensor {
    weight.to_kind(Kind::Float).flatten(1, -1)
}

fn unit(x: &Tensor) -> Tensor {
    x / x.norm().clamp_min(1e-12)
}

#[cfg(test)]
mod tests {
    use gan_models::Init;
    use serde_json::Value;

    use super::*;

    fn numbers(value: &Value) -> Vec<f64> {
        serde_json::from_value(value.clone()).unwrap()
    }

    fn flat(tensor: &Tensor) -> Vec<f64> {
        let flat = tensor.to_kind(Kind::Double).contiguous().view([-1]);
        Vec::<f64>::try_from(&flat).unwrap()
    }

    #[track_caller]
    fn close(actual: &[f64], expected: &[f64]) {
        assert_eq!(actual.len(), expected.len());
        for (a, e) in actual.iter().zip(expected) {
            assert!((a - e).abs() <= 1e-5 * e.abs().max(1.0), "{a} instead of {e}");
        }
    }

    /// Against `tests/reference/regularizers.py`: a dense weight `[5, 6]`, a
    /// kernel `[2, 1, 3, 3]` and their gradients through D's logits.
    #[test]
    fn normalized_weights_vectors_and_gradients_equal_pytorchs() {
        let all = include_str!("../tests/reference/regularizers.json");
        let all: Value = serde_json::from_str(all).unwrap();
        for (network, iterations) in [("dense", 1), ("dense", 3), ("conv", 1), ("conv", 3)] {
            let of = &all[network];
            let mut layout = ParamLayout::new();
            let mut values = Vec::new();
            for param in ["w1", "b1", "w2", "b2"] {
                let stored = &of["params"][param];
                let shape: Vec<i64> = serde_json::from_value(stored["shape"].clone()).unwrap();
                layout.add(param, &shape, Init::Constant(0.0));
                values.push(Tensor::from_slice(&numbers(&stored["data"])).view(shape.as_slice()));
            }
            let weights = layout
                .weights(&layout.init(Device::Cpu))
                .map(|i, _| values[i].to_kind(Kind::Float).set_requires_grad(true));
            let mut spectral = SpectralNorm::random(&layout, Device::Cpu);
            let starts = ["w1", "b1", "w2", "b2"].map(|param| of["spectral"].get(param));
            for (vectors, start) in spectral.vectors.0.iter_mut().zip(starts) {
                assert_eq!(vectors.is_some(), start.is_some());
                if let (Some(vectors), Some(start)) = (vectors, start) {
                    let left = Tensor::from_slice(&numbers(&start["u0"]));
                    vectors.u.copy_(&left);
                }
            }
            for _ in 0..iterations {
                spectral.power_iteration(&weights);
            }
            let normal = spectral.vectors.normalize_weights(&weights);
            for (i, param) in [(0, "w1"), (2, "w2")] {
                let expected = &of["spectral"][param]["iterations"][iterations.to_string()];
                let vectors = spectral.vectors.0[i].as_ref().unwrap();
                close(&flat(&vectors.u), &numbers(&expected["u"]));
                close(&flat(&vectors.v), &numbers(&expected["v"]));
                close(&flat(&normal.tensors()[i]), &numbers(&expected["weight_over_sigma"]));
            }

            let [w1, b1, w2, b2] = [0, 1, 2, 3].map(|i| &normal.tensors()[i]);
            let shape: Vec<i64> = serde_json::from_value(of["real"]["shape"].clone()).unwrap();
            let images = Tensor::from_slice(&numbers(&of["real"]["data"]));
            let images = images.to_kind(Kind::Float).view(shape.as_slice());
            let hidden = if w1.dim() == 4 {
                images.conv2d(w1, Some(b1), 1, 1, 1, 1)
            } else {
                images.linear(w1, Some(b1))
            };
            let sum = hidden.tanh().flatten(1, -1).linear(w2, Some(b2)).sum(Kind::Float);
            let expected = &of["spectral"]["logit_sum"][iterations.to_string()];
            close(&flat(&sum), &[expected["value"].as_f64().unwrap()]);
            let gradients = Tensor::run_backward(&[sum], weights.tensors(), false, false);
            for (i, param) in ["w1", "b1", "w2", "b2"].into_iter().enumerate() {
                close(&flat(&gradients[i]), &numbers(&expected["grad"][param]));
            }
        }
    }
}
