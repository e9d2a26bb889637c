//! Data of the report that needs the networks: D's logits of real and generated images,
//! images for a game, and the nearest training images of real digits.

use gan_metrics::neighbors::nearest;
use mnist_io::{Dataset, Images};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use run_dir::{Logits, ReportData, RunDir};
use tch::{Kind, Tensor};

use crate::Error;
use crate::config::device_name;
use crate::data::{SNAPSHOT_SAMPLES, images_of_classes, resize};
use crate::gan::Gan;
use crate::seeds::{RandomStream, stream_seed};

/// Real and generated images in the game, each.
const GAME_IMAGES: usize = 100;
/// Test images that are shown beside their nearest training images.
const NEIGHBORS: usize = 8;
/// Real and generated images whose logits the histograms show, each.
const HISTOGRAM: usize = 1000;
/// Images per forward pass of D.
const CHUNK: i64 = 250;
/// The largest absolute logit in `report.json`.
const MAX_LOGIT: f64 = 1e30;

/// Writes `game.idx4`, `real_nearest.idx4` and `report.json` after `step` steps. Takes
/// three groups of `test` images without a common image, if there are enough, and
/// searches for neighbors among `training`, which has the size of the samples. Conditional
/// networks take only test images of their classes; without any, nothing is written.
pub(crate) fn write_report_data(
    gan: &Gan,
    run: &RunDir,
    seed: u64,
    step: u64,
    test: &Dataset,
    training: &Images,
) -> Result<(), Error> {
    let test = match gan.sampler().classes() {
        Some(classes) => &images_of_classes(test, classes).ok_or(Error::NoImages)?,
        None => test,
    };
    if test.is_empty() {
        return Ok(());
    }
    let [game, neighbors, histogram] = draw_test_groups(test, seed)?;
    let side = training.rows();

    let shown = resize(neighbors.images(), side)?;
    let found: Vec<usize> = nearest(&shown, training)?.iter().map(|n| n.index).collect();
    let found = training.select(&found).ok_or(Error::NoImages)?;
    run.write_image_rows(&run.real_nearest_path(), &[shown, found], None)?;

    let sampler = gan.sampler();
    let measure = |real: &Dataset, index: u64| -> Result<(Logits, [Images; 2]), Error> {
        let seed = (stream_seed(seed, RandomStream::Report, index), RandomStream::Report);
        let fake = sampler.sample(seed, real.len() as u64, None, &mut |_| ())?;
        let fake_labels = sampler.labels(0..real.len() as u64, None);
        let labels = Tensor::from_slice(real.labels()).to_kind(Kind::Int64);
        let real = resize(real.images(), side)?;
        let logits =
            Logits { real: logits(gan, &real, &labels)?, fake: logits(gan, &fake, &fake_labels)? };
        Ok((logits, [real, fake]))
    };
    let (game, images) = measure(&game, 1)?;
    run.write_image_rows(&run.game_path(), &images, None)?;
    let (logits, _) = measure(&histogram, 2)?;
    let machine = machine(&device_name(gan.device));
    run.write_report_data(&ReportData { step, machine, logits, game, evaluation: None })?;
    Ok(())
}

/// Test images for the game, for the neighbors and for the histogram, in a seeded order.
/// Leaves out the first images, which the figures of conditional networks show.
fn draw_test_groups(test: &Dataset, seed: u64) -> Result<[Dataset; 3], Error> {
    let skipped = if test.len() > 2 * (GAME_IMAGES + NEIGHBORS) { SNAPSHOT_SAMPLES } else { 0 };
    let mut order: Vec<usize> = (skipped..test.len()).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(stream_seed(seed, RandomStream::Report, 0)));
    let mut rest = order.as_slice();
    let groups = [GAME_IMAGES, NEIGHBORS, HISTOGRAM].map(|count| {
        // A small set serves all groups.
        let from = if rest.is_empty() { &order } else { rest };
        let (group, others) = from.split_at(count.min(from.len()));
        rest = others;
        test.select(group).ok_or(Error::NoImages)
    });
    let [game, neighbors, histogram] = groups;
    Ok([game?, neighbors?, histogram?])
}

/// D's logits of u8 images with labels i64 `[n]`, computed in f32, as the report computes them.
fn logits(gan: &Gan, images: &Images, labels: &Tensor) -> Result<Vec<f64>, Error> {
    let side = images.rows() as i64;
    let bytes = Tensor::from_slice(images.pixels()).view([-1, 1, side, side]);
    let pixels = gan.generator.network.pixel_range().from_bytes(&bytes, Kind::Float);
    let chunks = pixels.split(CHUNK, 0).into_iter().zip(labels.split(CHUNK, 0));
    let logits = chunks.map(|(pixels, labels)| {
        let (pixels, labels) = (pixels.to_device(gan.device), labels.to_device(gan.device));
        gan.logits_with_dtype(Kind::Float, &pixels, &labels)
    });
    let logits = Tensor::cat(&logits.collect::<Vec<_>>(), 0);
    let logits = logits.to_kind(Kind::Double).nan_to_num(0.0, MAX_LOGIT, -MAX_LOGIT);
    Ok(Vec::<f64>::try_from(logits.clamp(-MAX_LOGIT, MAX_LOGIT))?)
}

/// The processor's name on Linux, the device and the number of threads.
fn machine(device: &str) -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut names = cpu.lines().filter_map(|line| line.strip_prefix("model name"));
    let name = names.next().map(|name| name.trim_start_matches(['\t', ' ', ':']).to_owned());
    let name =
        name.unwrap_or_else(|| format!("{} {}", std::env::consts::OS, std::env::consts::ARCH));
    format!("{name}, device {device}, threads {}", tch::get_num_threads())
}
