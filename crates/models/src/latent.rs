//! Distributions of latents: the random inputs of a generator.

use tch::{Device, Kind, Tensor};

/// The distribution of a generator's latents.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LatentDistribution {
    /// Standard normal, `[n, dim]`.
    Normal {
        /// Values per latent.
        size: i64,
    },
    /// Standard normal values, then a uniformly drawn cluster as a one-hot vector
    /// times `scale`: `[n, dim]` (Mukherjee et al. 2019, section 3.1).
    Mixture {
        /// Normal values per latent.
        normal_size: i64,
        /// Number of clusters.
        clusters: i64,
        /// The nonzero value of the one-hot vector.
        scale: f64,
    },
    /// Uniform on `[low, high)`, `[n, dim]`.
    Uniform {
        /// Values per latent.
        size: i64,
        /// Lower bound, included.
        low: f64,
        /// Upper bound, excluded.
        high: f64,
    },
    /// `n` evenly spaced values from `low` to `high`, both included, each plus
    /// uniform noise from `[0, jitter)`: `[n, 1]`.
    ///
    /// The values ascend if their spacing is at least `jitter`.
    EvenlySpaced {
        /// First value before the noise.
        low: f64,
        /// Last value before the noise.
        high: f64,
        /// Upper bound of the noise.
        jitter: f64,
    },
}

impl LatentDistribution {
    /// Draws `n` latents, f32 `[n, dim]`, on `device`.
    ///
    /// The random numbers come from libtorch's global random number generator for
    /// the CPU. A seed therefore gives the same latents on every device.
    pub fn sample(self, n: i64, device: Device) -> Tensor {
        let options = (Kind::Float, Device::Cpu);
        let latents = match self {
            LatentDistribution::Normal { size } => Tensor::randn([n, size], options),
            LatentDistribution::Mixture { normal_size, clusters, scale } => {
                let values = Tensor::randn([n, normal_size], options);
                let cluster = Tensor::randint(clusters, [n], (Kind::Int64, Device::Cpu));
                let one_hot = cluster.one_hot(clusters).to_kind(Kind::Float) * scale;
                Tensor::cat(&[values, one_hot], 1)
            }
            LatentDistribution::Uniform { size, low, high } => {
                Tensor::empty([n, size], options).uniform_(low, high)
            }
            LatentDistribution::EvenlySpaced { low, high, jitter } => {
                let noise = Tensor::rand([n, 1], options) * jitter;
                Tensor::linspace(low, high, n, options).view([n, 1]) + noise
            }
        };
        latents.to_device(device)
    }

    /// Draws the endpoints of `n` straight lines for latent interpolation, two
    /// tensors f32 `[n, dim]`.
    ///
    /// If there are clusters, both ends of a line are in the same cluster, so the points between
    /// them are too.
    pub fn interpolation_endpoints(self, n: i64, device: Device) -> (Tensor, Tensor) {
        let (from, to) = (self.sample(n, device), self.sample(n, device));
        let to = self.with_clusters_of(to, &from);
        (from, to)
    }

    /// Moves `latents` to the clusters of `others`, both `[n, dim]`. Distributions without
    /// clusters return `latents`.
    pub fn with_clusters_of(self, latents: Tensor, others: &Tensor) -> Tensor {
        match self {
            LatentDistribution::Mixture { normal_size, clusters, .. } => {
                let cluster = others.narrow(1, normal_size, clusters);
                Tensor::cat(&[latents.narrow(1, 0, normal_size), cluster], 1)
            }
            _ => latents,
        }
    }

    /// The distribution as JSON: its kind in kebab case, then its fields.
    pub fn to_json(self) -> String {
        match self {
            LatentDistribution::Normal { size } => format!(r#"{{"kind":"normal","size":{size}}}"#),
            LatentDistribution::Mixture { normal_size, clusters, scale } => format!(
                r#"{{"kind":"mixture","size":{normal_size},"clusters":{clusters},"scale":{scale}}}"#
            ),
            LatentDistribution::Uniform { size, low, high } => {
                format!(r#"{{"kind":"uniform","size":{size},"low":{low},"high":{high}}}"#)
            }
            LatentDistribution::EvenlySpaced { low, high, jitter } => {
                format!(r#"{{"kind":"evenly-spaced","low":{low},"high":{high},"jitter":{jitter}}}"#)
            }
        }
    }

    /// Values per latent.
    pub fn dim(self) -> i64 {
        match self {
            LatentDistribution::Normal { size } | LatentDistribution::Uniform { size, .. } => size,
            LatentDistribution::Mixture { normal_size, clusters, .. } => normal_size + clusters,
            LatentDistribution::EvenlySpaced { .. } => 1,
        }
    }
}
