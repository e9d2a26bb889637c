//! The metrics against published programs, on MNIST, and on wrong data.

#![allow(clippy::unwrap_used, clippy::panic)]

mod arrays;
mod directions;
mod evaluator;
mod reference;
mod refusals;
