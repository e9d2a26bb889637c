#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod builder;
mod check;
mod error;
mod graph;
mod onnx;
mod op;
mod proto;
mod shape;

pub use builder::GraphBuilder;
pub use error::{Error, Result};
pub use graph::{Data, Dim, Graph, Kind, Node, Tensor, Value};
pub use op::Op;
