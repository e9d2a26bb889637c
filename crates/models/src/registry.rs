//! The built-in networks by name.

use crate::goodfellow::PIXELS;
use crate::layers::NormAxis;
use crate::network::Networks;
use crate::{dcgan, gaussian, golbin, goodfellow, modern, oshea};

/// Builds networks; the arguments are those of [`by_name`].
type Constructor = fn(i64, Option<&[f64; PIXELS]>) -> Networks;

/// Every network of this crate and its constructor.
const NETWORKS: &[(&str, Constructor)] = &[
    ("modern", |_, _| modern::networks()),
    ("modern-conditional", |classes, _| modern::conditional(classes)),
    ("oshea", |_, _| oshea::networks(NormAxis::Columns)),
    ("oshea-channels", |_, _| oshea::networks(NormAxis::Channels)),
    ("golbin", |_, _| golbin::networks()),
    ("golbin-conditional", |classes, _| golbin::conditional(classes)),
    ("goodfellow", |_, means| goodfellow::networks(means)),
    ("gaussian", |_, _| gaussian::networks()),
    ("dcgan", |_, _| dcgan::networks()),
];

/// The names that [`by_name`] knows.
pub fn network_names() -> impl Iterator<Item = &'static str> {
    NETWORKS.iter().map(|(name, _)| *name)
}

/// Builds the networks called `name`, or returns `None` for an unknown name.
///
/// `classes` is the number of classes of conditional networks, at least 1; the others
/// ignore it.
///
/// `pixel_means` are the mean pixels of the training images, 0 to 1, row by row.
/// Only `goodfellow` uses them, for the initial bias of its generator's output.
/// They are not needed for networks whose weights are loaded afterwards.
pub fn by_name(name: &str, classes: i64, pixel_means: Option<&[f64; PIXELS]>) -> Option<Networks> {
    let (_, build) = NETWORKS.iter().find(|(known, _)| *known == name)?;
    Some(build(classes, pixel_means))
}
