//! Latents follow the distribution they are named after.

use gan_models::LatentDistribution;
use tch::{Device, Kind};

use crate::{lock_rng, values};

#[test]
fn latents_follow_their_distribution() {
    let _rng = lock_rng();
    tch::manual_seed(3);
    let normal = values(&LatentDistribution::Normal { size: 100 }.sample(1000, Device::Cpu));
    let mean = normal.iter().sum::<f64>() / 1e5;
    let square = normal.iter().map(|x| x * x).sum::<f64>() / 1e5;
    assert!(mean.abs() < 0.02, "{mean}");
    assert!((square - 1.0).abs() < 0.03, "{square}");
    let uniform = LatentDistribution::Uniform { size: 100, low: -1.0, high: 3.0 };
    let uniform = values(&uniform.sample(1000, Device::Cpu));
    let mean = uniform.iter().sum::<f64>() / 1e5;
    assert!((mean - 1.0).abs() < 0.02, "{mean}");
    assert!(uniform.iter().all(|x| (-1.0..3.0).contains(x)));
}

#[test]
fn mixture_latents_have_a_scaled_one_hot_cluster_that_interpolation_keeps() {
    let _rng = lock_rng();
    tch::manual_seed(4);
    let latent = LatentDistribution::Mixture { normal_size: 2, clusters: 5, scale: 3.0 };
    let mixture = latent.sample(1000, Device::Cpu);
    assert_eq!(mixture.size(), [1000, 7]);
    let spread = mixture.narrow(1, 0, 2).std(true).double_value(&[]);
    assert!((spread - 1.0).abs() < 0.06, "{spread}");
    let clusters = mixture.narrow(1, 2, 5);
    let (maximum, _) = clusters.max_dim(1, false);
    assert_eq!(values(&maximum), [3.0; 1000]);
    let sums = clusters.sum_dim_intlist(1, false, Kind::Float);
    assert_eq!(values(&sums), [3.0; 1000]);
    let means = values(&clusters.mean_dim(0, false, Kind::Float));
    assert!(means.iter().all(|x| (x - 0.6).abs() < 0.12), "{means:?}");
    let (from, to) = latent.interpolation_endpoints(50, Device::Cpu);
    assert!(from.narrow(1, 2, 5).equal(&to.narrow(1, 2, 5)));
    assert!(!from.narrow(1, 0, 2).equal(&to.narrow(1, 0, 2)));
}
