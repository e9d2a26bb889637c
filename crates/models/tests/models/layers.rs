//! Compares each layer with a plain formulation in f64.

use gan_models::layers::{
    Activation, BatchNorm, ChannelDropout, ConcatLabels, Conv2d, Dropout, ForwardContext, Layer,
    Linear, Maxout, NormAxis, Projection, UpsampleConv, channels_last,
};
use gan_models::{Init, Mode, ParamLayout, Weights};
use tch::{Device, Kind, Tensor};

use crate::{CPU, DOUBLE, SAMPLE, TRAIN, apply, distance, lock_rng, values};

/// Standard normal weights in f64 that require gradients.
fn random_weights(layout: &ParamLayout) -> Weights {
    layout.leaves(&Tensor::randn([layout.numel()], DOUBLE), Kind::Double)
}

/// Gradients of a random weighting of `y`, the same for equal shapes.
fn gradients(y: &Tensor, of: &[&Tensor]) -> Vec<Tensor> {
    tch::manual_seed(99);
    let weighting = Tensor::randn(y.size(), DOUBLE);
    let loss = (y * weighting).sum(Kind::Double);
    Tensor::run_backward(&[loss], of, true, false)
}

#[test]
fn upsample_conv_matches_upsampling_then_convolution() {
    let _rng = lock_rng();
    tch::manual_seed(1);
    for (h, w) in [(4, 4), (1, 1), (5, 7), (2, 3)] {
        for last in [false, true] {
            let mut layout = ParamLayout::new();
            let layer = UpsampleConv::new(&mut layout, "up", (3, 4), Init::normal(1.0));
            let weights = random_weights(&layout);
            let [kernel, bias] = weights.tensors() else {
                panic!("two parameters");
            };
            assert_eq!(kernel.size(), [4, 3, 3, 3]);
            let x = Tensor::randn([2, 3, h, w], DOUBLE);
            let x = if last { channels_last(&x) } else { x };
            let x = x.set_requires_grad(true);

            let fast = layer.forward(&weights, &x, &TRAIN);
            let plain = x.upsample_nearest2d([2 * h, 2 * w], None, None).conv2d(
                kernel,
                Some(bias),
                1,
                1,
                1,
                1,
            );
            assert!(distance(&fast, &plain) < 1e-10, "{h}×{w}");
            let of = [&x, kernel, bias];
            let (fast, plain) = (gradients(&fast, &of), gradients(&plain, &of));
            for (fast, plain) in fast.iter().zip(&plain) {
                assert!(distance(fast, plain) < 1e-10, "{h}×{w}");
            }
        }
    }
}

#[test]
fn convolution_to_one_channel_matches_libtorch() {
    let _rng = lock_rng();
    tch::manual_seed(12);
    for (kernel, padding) in [(3, 1), (3, 0), (3, 2), (3, 4), (5, 2), (1, 0)] {
        let mut layout = ParamLayout::new();
        let channels = (6, 1);
        let init = Init::normal(1.0);
        let layer = Conv2d::new(&mut layout, "c", channels, kernel, (1, padding), init);
        let weights = random_weights(&layout);
        let [weight, bias] = weights.tensors() else {
            panic!("two parameters");
        };
        let x = channels_last(&Tensor::randn([3, 6, 7, 9], DOUBLE)).set_requires_grad(true);
        let fast = layer.forward(&weights, &x, &TRAIN);
        let plain = x.conv2d(weight, Some(bias), 1, padding, 1, 1);
        assert_eq!(fast.size(), plain.size());
        assert!(distance(&fast, &plain) < 1e-10, "{kernel} {padding}");
        let of = [&x, weight, bias];
        let (fast, plain) = (gradients(&fast, &of), gradients(&plain, &of));
        for (fast, plain) in fast.iter().zip(&plain) {
            assert!(distance(fast, plain) < 1e-10, "{kernel} {padding}");
        }
    }
}

/// Independent of libtorch's convolution and upsampling.
#[test]
fn upsample_conv_matches_a_naive_loop() {
    let _rng = lock_rng();
    tch::manual_seed(2);
    let mut layout = ParamLayout::new();
    let layer = UpsampleConv::new(&mut layout, "up", (2, 1), Init::normal(1.0));
    let weights = random_weights(&layout);
    let (h, w) = (3i64, 2i64);
    let x = Tensor::randn([1, 2, h, w], DOUBLE);
    let y = layer.forward(&weights, &x, &TRAIN);
    let [kernel, bias] = weights.tensors() else {
        panic!("two parameters");
    };
    for row in 0..2 * h {
        for col in 0..2 * w {
            let mut sum = bias.double_value(&[0]);
            for (c, r, s) in (0..18).map(|t| (t / 9, t / 3 % 3, t % 3)) {
                let (at_row, at_col) = (row + r - 1, col + s - 1);
                if (0..2 * h).contains(&at_row) && (0..2 * w).contains(&at_col) {
                    sum += kernel.double_value(&[0, c, r, s])
                        * x.double_value(&[0, c, at_row / 2, at_col / 2]);
                }
            }
            assert!((y.double_value(&[0, 0, row, col]) - sum).abs() < 1e-10);
        }
    }
}

/// `γ (x - mean) / √(variance + ε) + β` for each index along `axis` of `[n, c, h, w]`.
fn naive_norm(x: &Tensor, gamma: &Tensor, beta: &Tensor, epsilon: f64, axis: usize) -> Tensor {
    let size = x.size();
    let y = x.zeros_like();
    for i in 0..size[axis] {
        let slice = values(&x.select(axis as i64, i));
        let n = slice.len() as f64;
        let mean = slice.iter().sum::<f64>() / n;
        let variance = slice.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        let (gamma, beta) = (gamma.double_value(&[i]), beta.double_value(&[i]));
        let scale = gamma / (variance + epsilon).sqrt();
        let normalized = (x.select(axis as i64, i) - mean) * scale + beta;
        y.select(axis as i64, i).copy_(&normalized);
    }
    y
}

#[test]
fn batch_norm_matches_its_formula_over_channels_and_over_columns() {
    let _rng = lock_rng();
    tch::manual_seed(3);
    let (n, c, h, w) = (3, 4, 5, 6);
    let epsilon = 0.1;
    for (along, axis, size) in [(NormAxis::Channels, 1, c), (NormAxis::Columns, 3, w)] {
        for last in [false, true] {
            let mut layout = ParamLayout::new();
            let gamma = Init::Constant(1.0);
            let l = &mut layout;
            let norm = BatchNorm::new(l, "norm", size, gamma, epsilon, along);
            assert_eq!(layout.numel(), 2 * size);
            let weights = random_weights(&layout);
            let [gamma, beta] = weights.tensors() else {
                panic!("two parameters");
            };
            let x = Tensor::randn([n, c, h, w], DOUBLE) * 3.0 + 1.0;
            let x = if last { channels_last(&x) } else { x };
            let y = norm.forward(&weights, &x, &TRAIN);
            let expected = naive_norm(&x, gamma, beta, epsilon, axis);
            assert!(distance(&y, &expected) < 1e-10, "axis {axis}");
        }
    }
}

#[test]
fn batch_norm_of_vectors_normalizes_each_feature() {
    let _rng = lock_rng();
    tch::manual_seed(4);
    let mut layout = ParamLayout::new();
    let norm =
        BatchNorm::new(&mut layout, "norm", 5, Init::Constant(1.0), 1e-6, NormAxis::Channels);
    let weights = random_weights(&layout);
    let [gamma, beta] = weights.tensors() else {
        panic!("two parameters");
    };
    let x = Tensor::randn([7, 5], DOUBLE);
    let y = norm.forward(&weights, &x, &TRAIN);
    let expected = naive_norm(&x.view([7, 5, 1, 1]), gamma, beta, 1e-6, 1);
    assert!(distance(&y, &expected.view([7, 5])) < 1e-10);
}

#[test]
fn maxout_is_the_maximum_of_its_pieces() {
    let _rng = lock_rng();
    tch::manual_seed(5);
    let (inputs, units, pieces) = (4i64, 3i64, 5i64);
    let mut layout = ParamLayout::new();
    let layer = Maxout::new(&mut layout, "max", inputs, (units, pieces), Init::normal(1.0));
    assert_eq!(layout.numel(), units * pieces * (inputs + 1));
    let weights = random_weights(&layout);
    let [weight, bias] = weights.tensors() else {
        panic!("two parameters");
    };
    let x = Tensor::randn([6, inputs], DOUBLE);
    let y = layer.forward(&weights, &x, &TRAIN);
    assert_eq!(y.size(), [6, units]);
    for (row, unit) in (0..6).flat_map(|row| (0..units).map(move |unit| (row, unit))) {
        let piece = |p: i64| {
            let at = unit * pieces + p;
            let terms =
                (0..inputs).map(|i| weight.double_value(&[at, i]) * x.double_value(&[row, i]));
            terms.sum::<f64>() + bias.double_value(&[at])
        };
        let maximum = (0..pieces).map(piece).fold(f64::NEG_INFINITY, f64::max);
        assert!((y.double_value(&[row, unit]) - maximum).abs() < 1e-12);
    }
}

#[test]
fn dropout_drops_at_its_rate_and_keeps_the_mean() {
    let _rng = lock_rng();
    tch::manual_seed(6);
    // Odd sizes, channels-first, channels-last and plain vectors.
    let images = Tensor::ones([7, 33, 25, 31], CPU);
    for x in [channels_last(&images), images, Tensor::ones([301, 401], CPU)] {
        for rate in [0.2, 0.25, 0.5] {
            let y = apply(Dropout(rate), &x, &TRAIN);
            assert_eq!(y.size(), x.size());
            let dropped = y.eq(0.0).to_kind(Kind::Double).mean(Kind::Double);
            // Six standard deviations of the mean of 120,000 draws.
            let tolerance = 6.0 * (rate * (1.0 - rate) / 120_000.0f64).sqrt();
            assert!((dropped.double_value(&[]) - rate).abs() < tolerance, "{rate}");
            assert!((y.max().double_value(&[]) - 1.0 / (1.0 - rate)).abs() < 1e-6);
            let mean = y.mean(Kind::Double).double_value(&[]);
            assert!((mean - 1.0).abs() < tolerance / (1.0 - rate), "{rate}");
        }
    }
}

/// Four neighbors share one random draw.
#[test]
fn dropout_drops_neighbors_independently() {
    let _rng = lock_rng();
    tch::manual_seed(7);
    let n = 200_000i64;
    let rate = 0.25;
    let dropped = apply(Dropout(rate), &Tensor::ones([n], CPU), &TRAIN).eq(0.0);
    for lag in 1..=8 {
        let (a, b) = (dropped.narrow(0, 0, n - lag), dropped.narrow(0, lag, n - lag));
        let both = a.logical_and(&b).to_kind(Kind::Double).mean(Kind::Double);
        assert!((both.double_value(&[]) - rate * rate).abs() < 0.004, "lag {lag}");
    }
    // The same rate in each quarter of a draw.
    for place in 0..4 {
        let share = dropped.view([-1, 4]).select(1, place).to_kind(Kind::Double);
        let share = share.mean(Kind::Double).double_value(&[]);
        assert!((share - rate).abs() < 0.012, "place {place}");
    }
}

#[test]
fn channel_dropout_drops_whole_channels_of_each_image() {
    let _rng = lock_rng();
    tch::manual_seed(8);
    let x = channels_last(&Tensor::ones([200, 30, 3, 2], CPU));
    let y = apply(ChannelDropout(0.25), &x, &TRAIN);
    let per_channel = y.view([200, 30, 6]);
    let (least, most) = (per_channel.amin(2, false), per_channel.amax(2, false));
    assert!(least.equal(&most));
    let dropped = least.eq(0.0).to_kind(Kind::Double).mean(Kind::Double);
    assert!((dropped.double_value(&[]) - 0.25).abs() < 0.04);
    assert!((most.max().double_value(&[]) - 1.0 / 0.75).abs() < 1e-6);
}

/// In bf16, dropout computes the factors from their bit patterns.
#[test]
fn dropout_in_bf16_matches_f32_rounded() {
    let _rng = lock_rng();
    for rate in [0.2, 0.25, 0.5] {
        let drop = |kind| {
            tch::manual_seed(13);
            apply(Dropout(rate), &Tensor::ones([3, 5, 7, 9], (kind, Device::Cpu)), &TRAIN)
        };
        let (narrow, wide) = (drop(Kind::BFloat16), drop(Kind::Float));
        assert!(narrow.equal(&wide.to_kind(Kind::BFloat16)), "{rate}");
        assert!(narrow.max().double_value(&[]) > 1.0);
    }
}

#[test]
fn dropout_is_inactive_when_sampling() {
    let _rng = lock_rng();
    tch::manual_seed(9);
    let x = Tensor::randn([4, 5, 6, 7], CPU);
    assert!(apply(Dropout(0.5), &x, &SAMPLE).equal(&x));
    assert!(apply(ChannelDropout(0.5), &x, &SAMPLE).equal(&x));
}

#[test]
fn dropout_is_deterministic_and_passes_gradients_of_kept_values() {
    let _rng = lock_rng();
    let x = Tensor::ones([1000], DOUBLE).set_requires_grad(true);
    tch::manual_seed(10);
    let first = apply(Dropout(0.5), &x, &TRAIN);
    tch::manual_seed(10);
    let second = apply(Dropout(0.5), &x, &TRAIN);
    assert!(first.equal(&second));
    let gradient = Tensor::run_backward(&[first.sum(Kind::Double)], &[&x], false, false);
    assert!(gradient[0].equal(&second));
}

#[test]
fn labels_are_appended_as_one_hot_rows() {
    let x = Tensor::from_slice2(&[[0.5f32, -0.5], [2.0, 3.0]]);
    let labels = Tensor::from_slice(&[9i64, 0]);
    let context = ForwardContext { labels: Some(&labels), mode: Mode::Train };
    let y = apply(ConcatLabels(Some(10)), &x, &context);
    assert!(apply(ConcatLabels(None), &x, &context).equal(&x));
    let expected: [[f64; 12]; 2] = [
        [0.5, -0.5, 0., 0., 0., 0., 0., 0., 0., 0., 0., 1.],
        [2.0, 3.0, 1., 0., 0., 0., 0., 0., 0., 0., 0., 0.],
    ];
    assert_eq!(values(&y), expected.concat());
}

#[test]
#[should_panic(expected = "number of labels")]
fn projection_panics_at_one_label_for_two_rows() {
    let mut layout = ParamLayout::new();
    let mut linear = |name, outputs| Linear::new(&mut layout, name, 3, outputs, Init::normal(1.0));
    let layer =
        Projection { logit: linear("logit", 1), classes: Some((10, linear("classes", 10))) };
    let labels = Tensor::from_slice(&[9i64]);
    let context = ForwardContext { labels: Some(&labels), mode: Mode::Train };
    let weights = layout.weights(&layout.init(Device::Cpu));
    let _ = layer.forward(&weights, &Tensor::zeros([2, 3], CPU), &context);
}

#[test]
fn a_bias_starts_at_zero_by_default() {
    let mut layout = ParamLayout::new();
    Linear::new(&mut layout, "a", 2, 3, Init::normal(1.0));
    assert_eq!(layout.params()[0].init, Init::normal(1.0));
    assert_eq!(layout.params()[1].init, Init::Constant(0.0));
}

#[test]
fn leaky_relu_matches_its_formula_and_both_derivatives() {
    let x = Tensor::from_slice(&[-3.0f32, -0.5, 0.5, 4.0]).set_requires_grad(true);
    let y = apply(Activation::LeakyRelu(0.25), &x, &TRAIN);
    assert_eq!(values(&y), [-0.75, -0.125, 0.5, 4.0]);
    // Σ y² has the gradient 2·y·slope and the second derivative 2·slope².
    let first = Tensor::run_backward(&[(&y * &y).sum(Kind::Float)], &[&x], true, true);
    assert_eq!(values(&first[0]), [-0.375, -0.0625, 1.0, 8.0]);
    let second = Tensor::run_backward(&[first[0].sum(Kind::Float)], &[&x], false, false);
    assert_eq!(values(&second[0]), [0.125, 0.125, 2.0, 2.0]);
}
