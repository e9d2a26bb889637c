//! Faults on users' machines, simulated with scripts in place of `python3` and `npm`. Each fault
//! gives one clear error with a remedy, and leaves no file under its final name.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod children;
mod commands;
mod data;
mod libtorch;
mod machine;
mod scene;
