//! Labels as inputs of conditional networks.

use tch::Tensor;

/// Number of classes: the digits 0 to 9.
pub const CLASSES: i64 = 10;

/// Appends the one-hot `labels`, i64 `[n]`, to `x` `[n, inputs]`:
/// `[n, inputs + 10]`.
///
/// # Panics
/// Without labels, with a number of labels other than `n`, or with a label
/// outside 0 to 9.
pub fn concat_labels(x: &Tensor, labels: Option<&Tensor>) -> Tensor {
    Tensor::cat(&[x, &one_hot(x, labels)], 1)
}

/// Selects from each row of `x` `[n, 10]` the value at its label, i64 `[n]`: `[n]`.
///
/// # Panics
/// As [`concat_labels`].
pub fn select_label(x: &Tensor, labels: Option<&Tensor>) -> Tensor {
    (x * one_hot(x, labels)).sum_dim_intlist(1, false, x.kind())
}

/// Labels as `[n, 10]` in the kind of `x`.
fn one_hot(x: &Tensor, labels: Option<&Tensor>) -> Tensor {
    assert!(
        labels.is_some(),
        "a conditional network needs a label for each image"
    );
    labels.map_or_else(Tensor::new, |labels| {
        assert_eq!(labels.size(), x.size()[..1], "number of labels");
        labels.one_hot(CLASSES).to_kind(x.kind())
    })
}
