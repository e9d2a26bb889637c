//! Shared by the tests: a configuration, a row, and real images of 2x2 pixels.

use gan_config::{Classes, FigureLayout, Precision};
use mnist_io::Images;
use run_dir::{CONFIG_FORMAT, DatasetInfo, MetricsRow, RunConfig, Software};

pub fn config() -> RunConfig {
    RunConfig {
        format: CONFIG_FORMAT,
        preset: "modern".to_owned(),
        networks: "modern".to_owned(),
        seed: 7,
        seconds: None,
        device: "cpu".to_owned(),
        precision: Precision::Bf16,
        threads: 2,
        classes: Classes::default(),
        dataset: Some(DatasetInfo {
            name: "mnist".to_owned(),
            path: "data/mnist".to_owned(),
            images: 60_000,
            images_sha256: "ba89".to_owned(),
            labels_sha256: "65a5".to_owned(),
            test_images_sha256: Some("0fa7".to_owned()),
        }),
        figures: FigureLayout { grid: [4, 4], last_grid: [5, 5], real_above: true, nearest_row: 5 },
        software: Software { trainer: "0.1.0".to_owned(), libtorch: "2.13.0".to_owned() },
        settings: gan_config::preset("modern").unwrap().settings.clone(),
    }
}

#[allow(dead_code, reason = "not all tests write rows")]
pub fn metrics_row() -> MetricsRow {
    MetricsRow {
        step: 1,
        images_seen: 8,
        seconds: 0.5,
        loss_d: 1.0,
        loss_g: 1.0,
        d_real: 0.5,
        d_fake: 0.5,
        lr_d: 0.1,
        lr_g: 0.1,
    }
}

pub fn real_images() -> Images {
    Images::new(2, 2, vec![9; 8]).unwrap()
}
