//! Writes latents, labels, and what the networks of a run compute from them, for
//! `bench/check_export.py`: `cargo run -p gan-trainer --example export_reference -- RUN FILE`.

use std::error::Error;
use std::path::Path;

use gan_models::Mode;
use gan_trainer::{RunGan, calibration};
use run_dir::RunDir;
use tch::{Kind, Tensor, no_grad};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [run, file] = arguments.as_slice() else {
        return Err("usage: export_reference RUN FILE.safetensors".into());
    };
    let RunGan { config, gan, .. } = RunGan::open(&RunDir::open(Path::new(run))?)?;
    let (g, d) = (&gan.generator.network, &gan.discriminator.network);
    let [g_flat, d_flat] = gan.inference_parameters();
    let (latents, labels) = calibration(&gan, config.seed);
    let (images, logits) = no_grad(|| {
        let weights = g.layout().weights(&g_flat.to_kind(Kind::Float));
        let images = g.forward(&weights, &latents, Some(&labels), Mode::Eval);
        let weights = d.layout().weights(&d_flat.to_kind(Kind::Float));
        let logits = d.forward(&weights, &images, Some(&labels), Mode::Eval);
        (images, logits)
    });
    let tensors = [("latent", latents), ("label", labels), ("image", images), ("logit", logits)];
    let tensors = tensors.map(|(name, tensor)| (name, Tensor::contiguous(&tensor)));
    Tensor::write_safetensors(&tensors, file)?;
    Ok(())
}
