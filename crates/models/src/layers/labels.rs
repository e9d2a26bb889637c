//! Digits as further inputs.

use tch::Tensor;

/// Digits, 0 to 9.
pub const CLASSES: i64 = 10;

/// `x` `[n, inputs]` with the one-hot `labels`, i64 `[n]`, joined to each row:
/// `[n, inputs + 10]`.
///
/// # Panics
/// Where there are no labels, more or fewer than rows, or one is outside 0 to 9.
pub fn join_labels(x: &Tensor, labels: Option<&Tensor>) -> Tensor {
    Tensor::cat(&[x, &one_hot(x, labels)], 1)
}

/// Of each row of `x` `[n, 10]` the value at its label, i64 `[n]`: `[n]`.
///
/// # Panics
/// As [`join_labels`].
pub fn label_of(x: &Tensor, labels: Option<&Tensor>) -> Tensor {
    (x * one_hot(x, labels)).sum_dim_intlist(1, false, x.kind())
}

/// Labels as `[n, 10]` in the kind of `x`.
fn one_hot(x: &Tensor, labels: Option<&Tensor>) -> Tensor {
    // Any answer would be one to a question that nobody asked.
    assert!(
        labels.is_some(),
        "a conditional network needs a label for each image"
    );
    labels.map_or_else(Tensor::new, |labels| {
        assert_eq!(labels.size(), x.size()[..1], "labels, one for each row");
        labels.one_hot(CLASSES).to_kind(x.kind())
    })
}
