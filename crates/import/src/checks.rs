//! Checks of images that need no classifier: range, constant images, duplicates.

use std::collections::HashSet;

use mnist_io::Images;

/// Numbers of identical images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duplicates {
    /// Training images that repeat an earlier one.
    pub train: usize,
    /// Test images that repeat an earlier test image.
    pub test: usize,
    /// Test images that are training images too.
    pub across: usize,
}

/// Finds identical images, within each split and across both.
pub fn duplicates(train: &Images, test: &Images) -> Duplicates {
    let known: HashSet<&[u8]> = train.iter().collect();
    let across = test.iter().filter(|image| known.contains(image)).count();
    let distinct = test.iter().collect::<HashSet<_>>().len();
    Duplicates { train: train.len() - known.len(), test: test.len() - distinct, across }
}

/// "values 0 to 255".
pub(crate) fn value_range_text(images: &Images) -> String {
    let low = images.pixels().iter().min().copied().unwrap_or_default();
    let high = images.pixels().iter().max().copied().unwrap_or_default();
    format!("values {low} to {high}")
}

/// Warnings about the pixels of images, a sentence each. `what` names the images: "the training
/// images".
pub fn pixel_warnings(what: &str, images: &Images) -> Vec<String> {
    let pixels = images.pixels();
    let Some((&low, &high)) = pixels.iter().min().zip(pixels.iter().max()) else {
        return Vec::new();
    };
    if high == 0 {
        return vec![format!("{what} are all black")];
    }
    if low == high {
        return vec![format!("{what} are all of one gray level, {low}")];
    }
    let mut warnings = Vec::new();
    if high == 1 {
        warnings.push(format!(
            "the greatest value of {what} is 1 of 255, so they are almost black; read them with \
             --range 0,1"
        ));
    }
    let constant = images.iter().filter(|image| image.iter().all(|p| *p == image[0])).count();
    if constant > 0 {
        let of = images.len();
        warnings.push(format!("{constant} of the {of} images of {what} have one gray level"));
    }
    warnings
}

/// A warning if the pixels of `samples` have another range than those of `reference`.
pub fn range_warning(samples: &Images, reference: &Images) -> Option<String> {
    let high = |images: &Images| images.pixels().iter().max().copied().unwrap_or_default();
    let mean = |images: &Images| {
        let sum: u64 = images.pixels().iter().map(|&pixel| u64::from(pixel)).sum();
        sum as f64 / images.pixels().len().max(1) as f64
    };
    let (found, real) = (high(samples), high(reference));
    if found > 1 && u16::from(found) * 2 < u16::from(real) {
        return Some(format!(
            "the greatest value of the samples is {found}, that of the real images {real}; if \
             the samples have another range, give it, as in --range 0,{found}"
        ));
    }
    let (found, real) = (mean(samples), mean(reference));
    let inverted = (255.0 - found - real).abs() < (found - real).abs() / 2.0;
    ((found - real).abs() > 64.0 && inverted).then(|| {
        format!(
            "the mean pixel of the samples is {found:.0}, that of the real images {real:.0}; \
             if background and foreground are exchanged, add --invert"
        )
    })
}
