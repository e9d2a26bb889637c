//! Progress of long work: a bar on a terminal that can draw over a line, plain lines elsewhere.

use std::time::{Duration, Instant};

use gan_trainer::{Error, RandomStream, Sampler};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use mnist_io::Images;

use crate::output::{self, Escaped};

/// Time between plain lines.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Units of the bar. It shows a fraction, because a schedule in seconds has no number of steps.
const PARTS: u64 = 1000;

/// A bar if standard error can draw over a line, else lines.
pub struct Bar {
    bar: Option<ProgressBar>,
    last_line: Option<Instant>,
}

impl Bar {
    /// A bar at the start.
    pub fn new() -> Bar {
        let bar = output::can_redraw().then(|| {
            let bar = ProgressBar::new(PARTS);
            match ProgressStyle::with_template("{bar:8} {percent:>3}%  {wide_msg}") {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        Bar { bar, last_line: None }
    }

    /// Shows the finished share of the work, 0 to 1.
    pub fn show(&mut self, done: f64, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_position((done * PARTS as f64) as u64);
        }
        self.update(&format!("{:>3.0}%", done * 100.0), text, done >= 1.0);
    }

    /// Shows work of unknown length.
    pub fn show_text(&mut self, text: &str) {
        self.update("    ", text, false);
    }

    fn update(&mut self, percent: &str, text: &str, last: bool) {
        if let Some(bar) = &self.bar {
            bar.set_message(Escaped(text).to_string());
        } else if last || self.last_line.is_none_or(|t| t.elapsed() >= LINE_EVERY) {
            self.last_line = Some(Instant::now());
            output::eprint_line(format_args!("{percent}  {text}"));
        }
    }

    /// Prints a line above the bar.
    pub fn print_line(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(Escaped(line).to_string()),
            None => output::eprint_line(line),
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Generates `count` images from `seed` and shows how many are finished. They show `class`
    /// if it is given.
    pub fn sample(
        &mut self,
        sampler: &Sampler,
        seed: u64,
        count: u64,
        class: Option<u8>,
    ) -> Result<Images, Error> {
        let started = Instant::now();
        sampler.sample((seed, RandomStream::Sample), count, class, &mut |generated| {
            self.show_generated(started, generated, count);
        })
    }

    /// Shows how many of `count` images are generated since `started`.
    pub fn show_generated(&mut self, started: Instant, generated: u64, count: u64) {
        let done = generated as f64 / count as f64;
        let remaining = remaining(started.elapsed().as_secs_f64(), done);
        let (generated, count) = (HumanCount(generated), HumanCount(count));
        self.show(done, &format!("{remaining} left  generating images: {generated} of {count}"));
    }
}

/// The remaining time as `m:ss`, if the share `done` of the work took `seconds`.
pub fn remaining(seconds: f64, done: f64) -> String {
    match done > 0.0 {
        true => format_seconds(seconds / done * (1.0 - done)),
        false => "?".to_owned(),
    }
}

/// Seconds as `m:ss`.
pub fn format_seconds(seconds: f64) -> String {
    let whole = seconds.round().max(0.0) as u64;
    format!("{}:{:02}", whole / 60, whole % 60)
}
