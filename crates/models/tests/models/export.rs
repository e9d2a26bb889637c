//! Graphs of networks compute the same as the networks.

use gan_graph::{Dim, Graph, Kind};
use gan_models::torchscript::{evaluate, to_torchscript};
use gan_models::{
    Calibration, DIGITS, ExportError, LatentDistribution, Mode, Networks, by_name, network_names,
};
use tch::{Device, Tensor};

use crate::{CPU, distance, lock_rng};

/// A network as a graph, an input, and the network's output for it.
struct Example {
    name: String,
    graph: Graph,
    /// In the order of the graph's inputs.
    inputs: Vec<Tensor>,
    output: Tensor,
}

/// G and D of each built-in network, of conditional ones also with 62 classes. Batch statistics
/// are those of the input itself.
fn examples() -> Vec<Example> {
    let mut examples = Vec::new();
    let many = [("modern-conditional", 62), ("golbin-conditional", 62)];
    for (name, classes) in network_names().map(|name| (name, DIGITS)).chain(many) {
        let Networks { generator: g, discriminator: d } = by_name(name, classes, None).unwrap();
        // Biases and other parameters that start at 0 must count.
        let parameters = |numel, initial: Tensor| initial + Tensor::randn([numel], CPU) * 0.01;
        let g_flat = parameters(g.layout().numel(), g.layout().init(Device::Cpu));
        let d_flat = parameters(d.layout().numel(), d.layout().init(Device::Cpu));
        let (g_weights, d_weights) = (g.layout().weights(&g_flat), d.layout().weights(&d_flat));

        let latents = g.latent().sample(6, Device::Cpu);
        let labels = Tensor::from_slice(&[3, 0, classes - 1, 1, 1, 7]);
        let images = g.forward(&g_weights, &latents, Some(&labels), Mode::Eval);
        let logits = d.forward(&d_weights, &images, Some(&labels), Mode::Eval);
        let batch = |input| Some(Calibration { input, labels: Some(&labels) });
        let g_graph = g.to_graph(&g_weights, batch(&latents)).unwrap();
        let d_graph = d.to_graph(g.image_side(), &d_weights, batch(&images)).unwrap();
        for (graph, input, output) in
            [(g_graph, latents, &images), (d_graph, images.copy(), &logits)]
        {
            let labels = (graph.inputs.len() == 2).then(|| labels.copy());
            let inputs = [Some(input), labels].into_iter().flatten().collect();
            let name = format!("{} of {name}", graph.name);
            examples.push(Example { name, graph, inputs, output: output.copy() });
        }
    }
    examples
}

#[test]
fn graphs_of_all_networks_are_valid_and_compute_the_same() {
    let _rng = lock_rng();
    tch::manual_seed(31);
    for Example { name, graph, inputs, output } in examples() {
        graph.check().unwrap();
        assert_eq!(Graph::from_onnx(&graph.to_onnx()).unwrap(), graph, "{name}");
        let found = evaluate(&graph, &inputs).unwrap();
        let scale = output.abs().max().double_value(&[]).max(1.0);
        assert!(distance(&found, &output) < 1e-4 * scale, "{name}");
    }
}

#[test]
fn graphs_declare_their_inputs_and_outputs() {
    let _rng = lock_rng();
    for Example { name, graph, inputs, output } in examples() {
        let network = name.rsplit(' ').next().unwrap();
        let conditional = network.ends_with("conditional");
        let names: Vec<&str> = graph.inputs.iter().map(|input| input.name.as_str()).collect();
        let (input, result) = match graph.name.as_str() {
            "generator" => ("latent", "image"),
            _ => ("image", "logit"),
        };
        assert_eq!(names, if conditional { vec![input, "label"] } else { vec![input] });
        assert_eq!(graph.outputs[0].name, result);
        let sizes = |tensor: &Tensor| -> Vec<Dim> {
            let rest = tensor.size()[1..].iter().map(|&size| Dim::Size(size as usize)).collect();
            [vec![Dim::Batch], rest].concat()
        };
        assert_eq!(graph.inputs[0].shape, sizes(&inputs[0]), "{name}");
        assert_eq!(graph.outputs[0].shape, sizes(&output), "{name}");
        if conditional {
            assert_eq!(
                (graph.inputs[1].kind, graph.inputs[1].shape.as_slice()),
                (Kind::I64, &[Dim::Batch][..])
            );
        }
    }
}

#[test]
fn torchscript_computes_batches_of_every_size_after_saving() {
    let _rng = lock_rng();
    tch::manual_seed(32);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.pt");
    for Example { name, graph, inputs, .. } in examples() {
        to_torchscript(&graph).unwrap().save(&path).unwrap();
        let module = tch::CModule::load(&path).unwrap();
        for n in [1, 6] {
            let inputs: Vec<Tensor> = inputs.iter().map(|x| x.narrow(0, 0, n)).collect();
            let found = module.forward_ts(&inputs).unwrap();
            assert!(
                distance(&found, &evaluate(&graph, &inputs).unwrap()) < 1e-4,
                "{name}, batch of {n}"
            );
        }
    }
}

#[test]
fn weights_keep_the_names_and_values_of_the_layout() {
    let _rng = lock_rng();
    let g = by_name("golbin", DIGITS, None).unwrap().generator;
    let flat = g.layout().init(Device::Cpu);
    let weights = g.layout().weights(&flat);
    let graph = g.to_graph(&weights, None).unwrap();
    for (param, values) in g.layout().params().iter().zip(weights.tensors()) {
        let tensor = graph.tensor(&param.name).unwrap();
        let shape: Vec<i64> = tensor.shape.iter().map(|&size| size as i64).collect();
        assert_eq!(shape, param.shape);
        let gan_graph::Data::F32(data) = &tensor.data else { panic!("{}", param.name) };
        assert!(Tensor::from_slice(data).view(shape.as_slice()).equal(values));
    }
}

#[test]
fn networks_with_batch_statistics_need_a_batch() {
    let _rng = lock_rng();
    let Networks { generator, discriminator } = by_name("dcgan", DIGITS, None).unwrap();
    let flat = generator.layout().init(Device::Cpu);
    let found = generator.to_graph(&generator.layout().weights(&flat), None);
    assert!(matches!(found, Err(ExportError::NoCalibration)), "{found:?}");
    let flat = discriminator.layout().init(Device::Cpu);
    let found = discriminator.to_graph(32, &discriminator.layout().weights(&flat), None);
    assert!(matches!(found, Err(ExportError::NoCalibration)), "{found:?}");
}

#[test]
fn latents_are_described_as_json() {
    let json = |latent: LatentDistribution| latent.to_json();
    assert_eq!(json(LatentDistribution::Normal { size: 100 }), r#"{"kind":"normal","size":100}"#);
    assert_eq!(
        json(LatentDistribution::Mixture { normal_size: 16, clusters: 10, scale: 2.0 }),
        r#"{"kind":"mixture","size":16,"clusters":10,"scale":2}"#
    );
    assert_eq!(
        json(LatentDistribution::Uniform { size: 3, low: -1.5, high: 1.0 }),
        r#"{"kind":"uniform","size":3,"low":-1.5,"high":1}"#
    );
    assert_eq!(
        json(LatentDistribution::EvenlySpaced { low: -8.0, high: 8.0, jitter: 0.01 }),
        r#"{"kind":"evenly-spaced","low":-8,"high":8,"jitter":0.01}"#
    );
}
