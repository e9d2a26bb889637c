//! Graphs in memory and as ONNX files: what is accepted, and what is refused.

#![allow(clippy::unwrap_used, clippy::panic)]

use gan_graph::{Data, Dim, Error, Graph, GraphBuilder, Kind, Node, Op, Tensor};
use proptest::prelude::*;

fn zeros(n: usize) -> Data {
    Data::F32(vec![0.0; n])
}

/// A graph with every operator, from `image` `[batch, 1, 4, 4]` and `label` `[batch]` to
/// `logit` `[batch]`.
fn every_operator() -> Graph {
    let mut g = GraphBuilder::new("discriminator");
    let image = [Dim::Batch, Dim::Size(1), Dim::Size(4), Dim::Size(4)];
    let x = g.input("image", Kind::F32, &image).unwrap();
    let label = g.input("label", Kind::I64, &[Dim::Batch]).unwrap();
    let x = g.node(Op::SpaceToDepth { blocksize: 2 }, &[&x]).unwrap();
    let w = g.tensor("conv.weight", &[8, 4, 3, 3], zeros(288)).unwrap();
    let b = g.tensor("conv.bias", &[8], zeros(8)).unwrap();
    let x = g.node(Op::Conv { stride: 2, padding: 1 }, &[&x, &w, &b]).unwrap();
    let c: Vec<String> = ["gamma", "beta", "mean", "variance"]
        .iter()
        .map(|name| g.tensor(&format!("norm.{name}"), &[8], zeros(8)).unwrap())
        .collect();
    let op = Op::BatchNormalization { epsilon: 1e-5 };
    let x = g.node(op, &[&x, &c[0], &c[1], &c[2], &c[3]]).unwrap();
    let w = g.tensor("up.weight", &[8, 4, 4, 4], zeros(512)).unwrap();
    let x = g.node(Op::ConvTranspose { stride: 2, padding: 1 }, &[&x, &w]).unwrap();
    let x = g.node(Op::DepthToSpace { blocksize: 2 }, &[&x]).unwrap();
    let mut x = g.node(Op::Transpose { perm: vec![0, 2, 3, 1] }, &[&x]).unwrap();
    for op in [Op::Relu, Op::LeakyRelu { alpha: 0.2 }, Op::Sigmoid, Op::Tanh, Op::Softplus] {
        x = g.node(op, &[&x]).unwrap();
    }
    let low = g.tensor("low", &[], zeros(1)).unwrap();
    let x = g.node(Op::Clip, &[&x, &low, &low]).unwrap();
    let x = g.node(Op::Sub, &[&x, &low]).unwrap();
    let x = g.reshape(&x, &[0, -1]).unwrap();
    assert_eq!(g.shape(&x).unwrap(), [Dim::Batch, Dim::Size(16)]);
    let depth = g.tensor("depth", &[], Data::I64(vec![10])).unwrap();
    let off_on = g.tensor("off_on", &[2], zeros(2)).unwrap();
    let hot = g.node(Op::OneHot, &[&label, &depth, &off_on]).unwrap();
    let x = g.node(Op::Concat { axis: 1 }, &[&x, &hot]).unwrap();
    let w = g.tensor("dense.weight", &[6, 26], zeros(156)).unwrap();
    let x = g.node(Op::Gemm, &[&x, &w]).unwrap();
    let x = g.node(Op::Mul, &[&x, &x]).unwrap();
    let x = g.reshape(&x, &[0, 3, 2]).unwrap();
    let axis = g.tensor("last", &[1], Data::I64(vec![2])).unwrap();
    let x = g.node(Op::ReduceMax, &[&x, &axis]).unwrap();
    let axis = g.tensor("second", &[1], Data::I64(vec![1])).unwrap();
    let y = g.node(Op::ReduceSum, &[&x, &axis]).unwrap();
    let x = g.node(Op::Add, &[&y, &y]).unwrap();
    let mut graph = g.finish(&x, "logit").unwrap();
    graph.metadata.push(("step".to_owned(), "3".to_owned()));
    graph
}

/// A graph of one node: the sum of the input `[batch, 3]` and `weight` `[3]`.
fn addition() -> Graph {
    let mut g = GraphBuilder::new("generator");
    let x = g.input("latent", Kind::F32, &[Dim::Batch, Dim::Size(3)]).unwrap();
    let w = g.tensor("weight", &[3], zeros(3)).unwrap();
    let x = g.node(Op::Add, &[&x, &w]).unwrap();
    g.finish(&x, "image").unwrap()
}

/// The error of [`addition`] after a change.
#[track_caller]
fn refused(change: impl FnOnce(&mut Graph)) -> Error {
    let mut graph = addition();
    change(&mut graph);
    let error = graph.check().unwrap_err();
    assert_eq!(Graph::from_onnx(&graph.to_onnx()).unwrap_err(), error);
    error
}

#[test]
fn a_graph_of_every_operator_is_read_back() {
    let graph = every_operator();
    graph.check().unwrap();
    assert_eq!(Graph::from_onnx(&graph.to_onnx()).unwrap(), graph);
    assert_eq!(graph.outputs[0].shape, [Dim::Batch]);
    assert_eq!((graph.metadata("step"), graph.metadata("steps")), (Some("3"), None));
    assert!(graph.tensor("conv.bias").is_some() && graph.tensor("bias").is_none());
}

#[test]
fn nodes_serialize_as_flat_objects() {
    let node = Node {
        op: Op::Conv { stride: 1, padding: 2 },
        inputs: vec!["x".into(), "w".into()],
        output: "y".into(),
    };
    let expected = serde_json::json!(
        { "op": "Conv", "stride": 1, "padding": 2, "inputs": ["x", "w"], "output": "y" }
    );
    assert_eq!(serde_json::to_value(&node).unwrap(), expected);
}

#[test]
fn rejects_names_that_are_defined_twice() {
    let twice = Error::DefinedTwice("latent".into());
    let tensor = || Tensor { name: "latent".into(), shape: vec![1], data: zeros(1) };
    assert_eq!(refused(|graph| graph.tensors.push(tensor())), twice);
    assert_eq!(refused(|graph| graph.nodes[0].output = "latent".into()), twice);
}

#[test]
fn rejects_names_that_are_undefined_or_defined_later() {
    let error = refused(|graph| graph.nodes[0].inputs[1] = "bias".into());
    assert!(error.to_string().contains("\"bias\""), "{error}");
    let error = refused(|graph| {
        let node = Node { op: Op::Relu, inputs: vec!["image".into()], output: "early".into() };
        graph.nodes.insert(0, node);
    });
    assert!(matches!(&error, Error::Undefined { name, .. } if name == "image"), "{error}");
    let error = refused(|graph| graph.outputs[0].name = "logit".into());
    assert!(matches!(&error, Error::Undefined { name, .. } if name == "logit"), "{error}");
}

#[test]
fn rejects_inputs_that_do_not_fit_the_operator() {
    let fits = |op: Op, shapes: &[&[usize]]| {
        let mut g = GraphBuilder::new("x");
        let names: Vec<String> = (0..shapes.len())
            .map(|i| {
                let data = zeros(shapes[i].iter().product());
                g.tensor(&format!("t{i}"), shapes[i], data).unwrap()
            })
            .collect();
        g.node(op, &names.iter().map(String::as_str).collect::<Vec<_>>()).is_ok()
    };
    let conv = |stride, padding| Op::Conv { stride, padding };
    assert!(fits(conv(1, 1), &[&[1, 2, 4, 4], &[3, 2, 3, 3], &[3]]));
    assert!(!fits(conv(0, 1), &[&[1, 2, 4, 4], &[3, 2, 3, 3], &[3]]));
    assert!(!fits(conv(1, 0), &[&[1, 2, 4, 4], &[3, 2, 5, 5], &[3]]));
    assert!(!fits(conv(1, usize::MAX), &[&[1, 2, 4, 4], &[3, 2, 3, 3], &[3]]));
    assert!(!fits(conv(1, 1), &[&[1, 3, 4, 4], &[3, 2, 3, 3], &[3]]));
    assert!(!fits(conv(1, 1), &[&[1, 2, 4, 4], &[3, 2, 3, 3], &[2]]));
    let up = |stride, padding| Op::ConvTranspose { stride, padding };
    assert!(fits(up(2, 1), &[&[1, 2, 4, 4], &[2, 3, 4, 4]]));
    assert!(!fits(up(2, 9), &[&[1, 2, 4, 4], &[2, 3, 4, 4]]));
    assert!(!fits(up(1 << 40, 1), &[&[1, 2, 4, 4], &[2, 3, 4, 4]]));
    assert!(!fits(up(usize::MAX, 1), &[&[1, 2, 4, 4], &[2, 3, 4, 4]]));
    assert!(!fits(Op::Gemm, &[&[2, 3], &[4, 2]]));
    assert!(!fits(Op::Relu, &[&[2], &[2]]));
    assert!(!fits(Op::Add, &[&[2, 3], &[2]]));
    assert!(!fits(Op::Clip, &[&[2], &[1], &[]]));
    assert!(!fits(Op::Reshape, &[&[2], &[1]]));
    assert!(!fits(Op::Concat { axis: 2 }, &[&[2, 2], &[2, 2]]));
    assert!(!fits(Op::Concat { axis: 1 }, &[&[2, 2], &[3, 2]]));
    assert!(!fits(Op::Transpose { perm: vec![0, 0] }, &[&[2, 2]]));
    assert!(!fits(Op::Transpose { perm: vec![] }, &[&[2, 2]]));
    for blocksize in [0, 3, usize::MAX] {
        assert!(!fits(Op::DepthToSpace { blocksize }, &[&[1, 4, 2, 2]]));
        assert!(!fits(Op::SpaceToDepth { blocksize }, &[&[1, 1, 4, 4]]));
    }
    let norm = Op::BatchNormalization { epsilon: 1e-5 };
    assert!(!fits(norm, &[&[1, 2], &[2], &[2], &[3], &[2]]));
}

#[test]
fn reshape_keeps_the_number_of_values_and_the_batch() {
    let reshaped = |shape: &[i64]| {
        let mut g = GraphBuilder::new("x");
        let x = g.input("x", Kind::F32, &[Dim::Batch, Dim::Size(6)]).unwrap();
        let y = g.reshape(&x, shape).ok()?;
        Some(g.shape(&y).unwrap().to_vec())
    };
    assert_eq!(reshaped(&[0, 2, -1]), Some(vec![Dim::Batch, Dim::Size(2), Dim::Size(3)]));
    for wrong in [&[0, 5][..], &[6], &[0, -1, -1], &[0, 0, 0], &[0, 6, 0], &[0, -2, 3], &[]] {
        assert_eq!(reshaped(wrong), None, "{wrong:?}");
    }
}

#[test]
fn rejects_tensors_and_outputs_of_another_size_than_declared() {
    let error = refused(|graph| graph.tensors[0].shape = vec![usize::MAX >> 1, 4]);
    assert!(matches!(error, Error::Tensor { values: 3, .. }), "{error}");
    let error = refused(|graph| graph.outputs[0].shape = vec![Dim::Batch]);
    assert!(matches!(error, Error::Output { .. }), "{error}");
}

#[test]
fn rejects_files_of_other_versions_and_operators() {
    let bytes = addition().to_onnx();
    // IR version: field 1, a varint.
    assert_eq!(bytes[..2], [0x08, 8]);
    let newer = [&[0x08, 9], &bytes[2..]].concat();
    assert!(matches!(Graph::from_onnx(&newer), Err(Error::Version { found: 9, .. })));
    let replaced = |from: &[u8], to: &[u8]| {
        let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
        let mut bytes = bytes.clone();
        bytes[at..at + to.len()].copy_from_slice(to);
        Graph::from_onnx(&bytes).unwrap_err()
    };
    let error = replaced(b"\x22\x03Add", b"\x22\x03Div");
    assert!(error.to_string().contains("operator"), "{error}");
    let error = replaced(b"\x12\x05batch", b"\x12\x05other");
    assert!(matches!(error, Error::Unknown { .. }), "{error}");
    assert!(matches!(Graph::from_onnx(b""), Err(Error::Version { found: 0, .. })));
}

#[test]
fn builder_refuses_an_output_that_no_node_computes() {
    let mut g = GraphBuilder::new("x");
    let x = g.input("x", Kind::F32, &[Dim::Batch]).unwrap();
    assert!(matches!(g.finish(&x, "y"), Err(Error::Undefined { .. })));
}

proptest! {
    #[test]
    fn any_bytes_are_a_graph_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Graph::from_onnx(&bytes);
    }

    /// A changed or missing byte gives an error or a graph that passes its own check.
    #[test]
    fn a_damaged_file_is_a_valid_graph_or_an_error(at in any::<prop::sample::Index>(), byte: u8) {
        let bytes = every_operator().to_onnx();
        let mut changed = bytes.clone();
        changed[at.index(bytes.len())] = byte;
        for bytes in [&changed[..], &bytes[..at.index(bytes.len())]] {
            if let Ok(graph) = Graph::from_onnx(bytes) {
                prop_assert_eq!(graph.check(), Ok(()));
                prop_assert_eq!(Graph::from_onnx(&graph.to_onnx()), Ok(graph));
            }
        }
    }
}
