//! Digits as further inputs.

use tch::Tensor;

/// Digits, 0 to 9.
pub const CLASSES: i64 = 10;

/// `x` `[n, inputs]` with the one-hot `labels`, i64 `[n]`, joined to each row:
/// `[n, inputs + 10]`.
///
/// # Panics
/// Where there are no labels, or one is outside 0 to 9.
pub fn join_labels(x: &Tensor, labels: Option<&Tensor>) -> Tensor {
    let one_hot = labels.map(|labels| labels.one_hot(CLASSES).to_kind(x.kind()));
    assert!(
        one_hot.is_some(),
        "a conditional network needs a label for each image"
    );
    let parts: Vec<&Tensor> = std::iter::once(x).chain(&one_hot).collect();
    Tensor::cat(&parts, 1)
}
