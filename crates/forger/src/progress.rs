//! Progress of long work: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use run_dir::MetricsRow;

use crate::output;

/// Time between plain lines.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Length of the bar. A schedule in seconds has no length in steps.
const PARTS: u64 = 1000;

/// A bar if standard error is a terminal, else lines.
pub struct Bar {
    bar: Option<ProgressBar>,
    last_line: Option<Instant>,
}

impl Bar {
    /// A bar at the start.
    pub fn new() -> Bar {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(PARTS);
            if let Ok(style) = ProgressStyle::with_template("{bar:8} {percent:>3}%  {wide_msg}") {
                bar.set_style(style);
            }
            bar
        });
        Bar {
            bar,
            last_line: None,
        }
    }

    /// Shows the finished share of the work, 0 to 1.
    pub fn show(&mut self, done: f64, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_position((done * PARTS as f64) as u64);
            bar.set_message(text.to_owned());
        } else if done >= 1.0 || self.line_is_due() {
            self.last_line = Some(Instant::now());
            output::note(format_args!("{:>3.0}%  {text}", done * 100.0));
        }
    }

    /// Shows work of unknown length.
    pub fn note(&mut self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.to_owned());
        } else if self.line_is_due() {
            self.last_line = Some(Instant::now());
            output::note(format_args!("      {text}"));
        }
    }

    fn line_is_due(&self) -> bool {
        self.last_line.is_none_or(|t| t.elapsed() >= LINE_EVERY)
    }

    /// Prints a line above the bar.
    pub fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => output::note(line),
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Shows the latest row of a run.
pub struct Progress {
    bar: Bar,
    last_row: Option<(f64, u64)>,
    images_per_second: f64,
}

impl Progress {
    /// Before the first row.
    pub fn new() -> Progress {
        Progress {
            bar: Bar::new(),
            last_row: None,
            images_per_second: 0.0,
        }
    }

    /// Shows `row`; `done` is the share of the schedule, 0 to 1.
    pub fn show(&mut self, row: &MetricsRow, done: f64) {
        let (seconds, images) = self.last_row.unwrap_or((0.0, 0));
        if row.seconds > seconds {
            let rate = (row.images_seen - images) as f64 / (row.seconds - seconds);
            // Smoothed, because a jumping number is hard to read.
            self.images_per_second = match self.last_row {
                Some(_) => self.images_per_second * 0.8 + rate * 0.2,
                None => rate,
            };
        }
        self.last_row = Some((row.seconds, row.images_seen));
        let text = self.describe(row, done);
        self.bar.show(done, &text);
    }

    /// Shows the number of updates of D before the first step.
    pub fn show_pretraining(&mut self, update: u64, updates: u64) {
        self.bar
            .note(&format!("pretraining D: update {update} of {updates}"));
    }

    /// Prints a line above the bar.
    pub fn say(&self, line: &str) {
        self.bar.say(line);
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.bar.finish();
    }

    /// A line that fits beside the bar on a terminal with 80 columns.
    fn describe(&self, row: &MetricsRow, done: f64) -> String {
        let left = left(row.seconds, done);
        format!(
            "{left} left  step {}  {:.0} images/s  D {:.2} G {:.2}  real {:.0}|{:.0}%",
            row.step,
            self.images_per_second,
            row.loss_d,
            row.loss_g,
            row.d_real * 100.0,
            row.d_fake * 100.0,
        )
    }
}

/// Returns a callback that shows how many of `count` images are generated.
pub fn show_sampling(bar: &mut Bar, count: u64) -> impl FnMut(u64) {
    let started = Instant::now();
    move |generated| {
        let done = generated as f64 / count as f64;
        let left = left(started.elapsed().as_secs_f64(), done);
        let (generated, count) = (HumanCount(generated), HumanCount(count));
        bar.show(
            done,
            &format!("{left} left  generating images: {generated} of {count}"),
        );
    }
}

/// The remaining time as `m:ss`, if the share `done` of the work took `seconds`.
pub fn left(seconds: f64, done: f64) -> String {
    if done > 0.0 {
        clock(seconds / done * (1.0 - done))
    } else {
        "?".to_owned()
    }
}

/// Seconds as `m:ss`.
pub fn clock(seconds: f64) -> String {
    let whole = seconds.round().max(0.0) as u64;
    format!("{}:{:02}", whole / 60, whole % 60)
}
