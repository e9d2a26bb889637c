//! Shows the progress of training, and draws figures from time to time.

use std::path::Path;
use std::time::{Duration, Instant};

use gan_trainer::Observer;
use gan_viz::report::State;
use run_dir::{MetricsRow, QualityRow, RunDir};

use crate::progress::{Bar, remaining};
use crate::signals::Signals;
use crate::warnings;

/// The observer of `forger train`.
pub struct ProgressObserver<'a> {
    run: &'a RunDir,
    /// The folder of numbered runs.
    runs: &'a Path,
    signals: Signals,
    bar: Bar,
    /// Seconds and images of the last row.
    last_row: Option<(f64, u64)>,
    images_per_second: f64,
    /// Completed fraction of the schedule, 0 to 1.
    fraction_done: f64,
    /// Whether a collapse was reported.
    collapse_reported: bool,
    slowdown: SlowdownMonitor,
    next_drawing: Instant,
}

/// Reports once that training has become slow.
#[derive(Debug, Default)]
struct SlowdownMonitor {
    best: f64,
    reported: bool,
}

impl SlowdownMonitor {
    /// Adds a speed in images per second. Returns `true` the first time that it is at most a
    /// quarter of the best so far.
    fn update(&mut self, speed: f64) -> bool {
        self.best = self.best.max(speed);
        let first = speed <= self.best / 4.0 && speed > 0.0 && !self.reported;
        self.reported |= first;
        first
    }
}

impl ProgressObserver<'_> {
    /// Before the first step of `run`; `runs` is the folder of numbered runs, and
    /// `signals` stop the training.
    pub fn new<'a>(run: &'a RunDir, runs: &'a Path, signals: Signals) -> ProgressObserver<'a> {
        ProgressObserver {
            run,
            runs,
            signals,
            bar: Bar::new(),
            last_row: None,
            images_per_second: 0.0,
            fraction_done: 0.0,
            collapse_reported: false,
            slowdown: SlowdownMonitor::default(),
            next_drawing: Instant::now(),
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.bar.finish();
    }
}

impl Observer for ProgressObserver<'_> {
    fn pretraining(&mut self, update: u64, updates: u64) {
        let text = format!("pretraining D: update {update} of {updates}");
        self.bar.show_text(&text);
    }

    fn pretrained(&mut self, accuracy: f64, images: u64) {
        let percent = accuracy * 100.0;
        self.bar.print_line(&format!(
            "after pretraining, D classifies {percent:.1}% of {images} images correctly"
        ));
    }

    fn metrics_written(&mut self, row: &MetricsRow, fraction_done: f64) {
        let (seconds, images) = self.last_row.unwrap_or((0.0, 0));
        if row.seconds > seconds {
            let rate = (row.images_seen - images) as f64 / (row.seconds - seconds);
            // Smoothed, because a number that changes quickly is hard to read.
            self.images_per_second = match self.last_row {
                Some(_) => self.images_per_second * 0.8 + rate * 0.2,
                None => rate,
            };
        }
        self.last_row = Some((row.seconds, row.images_seen));
        self.fraction_done = fraction_done;
        // Fits beside the bar on a terminal with 80 columns.
        let text = format!(
            "{} left  step {}  {:.0} images/s  D {:.2} G {:.2}  real {:.0}|{:.0}%",
            remaining(row.seconds, fraction_done),
            row.step,
            self.images_per_second,
            row.loss_d,
            row.loss_g,
            row.d_real * 100.0,
            row.d_fake * 100.0,
        );
        self.bar.show(fraction_done, &text);
        if self.slowdown.update(self.images_per_second) {
            self.bar.print_line(&format!(
                "step {}: only {:.0} images/s, a quarter of the speed before: other programs use \
                 the processor; Ctrl-C and --resume with --threads 1 may help",
                row.step, self.images_per_second
            ));
        }
    }

    fn evaluated(&mut self, row: &QualityRow) {
        let reference = row.reference("fid");
        let reference = reference.map_or(String::new(), |v| format!(" (reference {v:.1})"));
        let percent = |name| row.value(name).unwrap_or(0.0) * 100.0;
        self.bar.print_line(&format!(
            "step {}: FID {:.1}{reference}, precision {:.0}%, recall {:.0}%",
            row.step,
            row.value("fid").unwrap_or(f64::NAN),
            percent("precision"),
            percent("recall")
        ));
        // Every run covers little at first.
        if self.fraction_done >= 0.25
            && !self.collapse_reported
            && let Some(collapse) = warnings::collapse(row)
        {
            self.collapse_reported = true;
            self.bar.print_line(&format!("warning: {collapse}"));
        }
    }

    fn discriminator_dominates(&mut self, step: u64) {
        self.bar.print_line(&format!(
            "step {step}: D has been right on nearly all images for a long time, so G may learn \
             little; try a lower lr_d, or --set spectral_norm=true"
        ));
    }

    fn snapshot_written(&mut self, _step: u64) {
        let started = Instant::now();
        if started < self.next_drawing {
            return;
        }
        let drawn = gan_viz::figures::draw_progress(self.run);
        let drawn = drawn.and_then(|_| gan_viz::report::write(self.run, State::Training));
        if let Err(error) = drawn {
            // Training continues without figures; they can be drawn later.
            self.bar.print_line(&format!("cannot draw figures now: {error}"));
        }
        // Figures take at most a thirtieth of the time.
        let pause = (started.elapsed() * 30).max(Duration::from_secs(5));
        self.next_drawing = Instant::now() + pause;
    }

    fn checkpoint_saved(&mut self, _step: u64, number: u64) {
        // The run becomes the latest when there is something to sample from.
        if number == 1
            && let Err(error) = self.run.set_latest(self.runs)
        {
            self.bar.print_line(&format!("warning: {error}; training continues"));
        }
    }

    fn should_stop(&mut self) -> bool {
        self.signals.received()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_the_best_speed_is_reported_once() {
        let mut monitor = SlowdownMonitor::default();
        let reported = [0.0, 900.0, 1000.0, 300.0, 250.0, 100.0, 1000.0, 10.0];
        let reported = reported.map(|speed| monitor.update(speed));
        assert_eq!(reported, [false, false, false, false, true, false, false, false]);
    }
}
