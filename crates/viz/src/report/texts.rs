//! Texts of the report, and the commands that it suggests.

use mnist_io::known;
use run_dir::{DatasetInfo, RunConfig};

use super::reproduce;
use super::run_data::RunData;
use crate::number::thousands;
use crate::quality::rows_of_one_curve;
use crate::shell::shell_quoted;

impl RunData {
    pub fn summary(&self) -> String {
        let s = if self.last_step == 1 { "" } else { "s" };
        let steps = format!("{} step{s}", self.last_step());
        match &self.config.dataset {
            Some(set) => format!(
                "Two networks trained each other for {steps} on {} images of {}. One of them, the \
                 generator, learns to make images that look like these and are new.",
                thousands(self.config.settings.epoch_size(set.images)),
                dataset_title(set),
            ),
            None => format!(
                "Two networks trained each other for {steps} on numbers near 4. One of them, \
                 the generator, learns to draw numbers that are distributed like the real ones."
            ),
        }
    }

    pub fn last_step(&self) -> String {
        thousands(self.last_step)
    }

    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let last = self.metrics.last();
        let seconds = last.map_or(0.0, |row| row.seconds);
        let images = last.map_or(0, |row| row.images_seen);
        let mut facts = vec![
            ("Preset", self.config.preset.clone()),
            ("Training time", duration(seconds)),
            ("Steps", self.last_step()),
            ("Real examples shown", thousands(images)),
        ];
        if let Some(data) = &self.data {
            facts.push(("Machine", data.machine.clone()));
        }
        facts
    }

    pub fn next_commands(&self) -> Vec<(&'static str, String)> {
        let run = self.quoted_path();
        let mut next = Vec::new();
        if self.config.dataset.is_some() {
            let digits = self.config.shows_digits();
            let more = if digits { "Draw more digits" } else { "Draw more images" };
            next.push((more, format!("cargo xtask sample --run {run}")));
            let class = self.config.class_option();
            if let Some(option) = &class {
                let one = if digits { "Draw sevens" } else { "Draw one class" };
                next.push((one, format!("cargo xtask sample --run {run} {option}")));
            }
            next.push(("Measure every metric", self.evaluate_command()));
            if digits && class.is_none() {
                let train = "cargo xtask train --conditional".to_owned();
                next.push(("Train a generator that takes the digit", train));
            }
        } else {
            next.push(("Train on digits", "cargo xtask train".to_owned()));
        }
        next
    }

    pub fn versions(&self) -> Vec<(&'static str, String)> {
        let RunConfig { software, dataset, device, threads, precision, .. } = &self.config;
        let precision: &'static str = (*precision).into();
        let mut rows = vec![
            ("Trainer", software.trainer.clone()),
            ("libtorch", software.libtorch.clone()),
            ("Computed with", format!("{device}, {precision}, threads: {threads}")),
        ];
        if let Some(set) = dataset {
            rows.push(("Data", format!("{} in {}", dataset_title(set), set.path)));
            rows.push(("SHA-256 of the training images", set.images_sha256.clone()));
            rows.push(("SHA-256 of the training labels", set.labels_sha256.clone()));
            if let Some(test) = &set.test_images_sha256 {
                rows.push(("SHA-256 of the test images", test.clone()));
            }
        }
        rows
    }

    /// How many images the curves and the numbers at the top were measured on, and where the
    /// features come from.
    pub fn quality_note(&self) -> String {
        let rows = rows_of_one_curve(&self.quality);
        let (Some(row), Some(fid)) = (rows.last(), self.evaluation.get("fid")) else {
            return String::new();
        };
        let mut note =
            format!("Each point was measured on {} generated images.", thousands(row.samples));
        if fid.samples != row.samples {
            note += &format!(
                " The numbers at the top were measured on {} images after step {}: FID is lower for \
                 more images, also that of real images.",
                thousands(fid.samples),
                thousands(fid.step)
            );
        }
        // Every evaluation of images with labels has the shares of the classes.
        if self.config.classes.is_empty() && self.evaluation.shares().is_empty() {
            note += " The features come from the classifier of MNIST, because the data have no \
                     labels; compare the numbers with the reference.";
        }
        note
    }

    /// The command that trains the run again, if there is one.
    pub fn train_command(&self) -> Option<String> {
        reproduce::train_command(&self.config)
    }

    /// The command that continues a stopped run.
    pub fn resume_command(&self) -> String {
        format!("cargo xtask train --resume {}", self.quoted_path())
    }

    /// The command that measures the run.
    pub fn evaluate_command(&self) -> String {
        format!("cargo xtask evaluate --run {}", self.quoted_path())
    }

    /// The folder of the run as one word for a shell.
    fn quoted_path(&self) -> String {
        shell_quoted(&self.dir.root().to_string_lossy())
    }

    pub fn shares_note(&self) -> String {
        self.evaluation.get("digits_kl").map_or(String::new(), |found| {
            let (step, samples) = (thousands(found.step), thousands(found.samples));
            format!("The shares were measured on {samples} generated images after step {step}.")
        })
    }

    pub fn noun(&self) -> &'static str {
        if self.config.shows_digits() { "digit" } else { "image" }
    }

    pub fn noun_plural(&self) -> &'static str {
        if self.config.shows_digits() { "digits" } else { "images" }
    }

    pub fn noun_with_article(&self) -> &'static str {
        if self.config.shows_digits() { "a digit" } else { "an image" }
    }
}

/// Seconds as `1 min 24 s`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round().max(0.0) as u64;
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// The name of the data set as people write it: `MNIST`.
fn dataset_title(set: &DatasetInfo) -> &str {
    known::by_name(&set.name).map_or("your own data set", |known| known.title)
}
