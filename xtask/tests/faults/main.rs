//! What goes wrong on users' machines, acted out with a `python3` and an `npm`
//! of our own: one clear error, its remedy, and nothing under a final name.

#![cfg(unix)]
#![allow(clippy::unwrap_used)] // in helpers too, not only in the tests themselves

mod commands;
mod data;
mod libtorch;
mod machine;
mod scene;
