//! Messages and progress bars on standard error: bars on a terminal, plain lines elsewhere.

use std::time::Duration;

use indicatif::{DecimalBytes, ProgressBar, ProgressStyle};

pub use gan_cli::output::{can_redraw as on_terminal, eprint_line, print_line};

use gan_cli::output::Escaped;

/// Reading, hashing or unpacking fewer bytes takes no noticeable time.
const LONG: u64 = 50_000_000;

/// A progress bar over `total` bytes; end it with `finish_and_clear`. Without a terminal, prints a
/// line if the work takes long.
pub fn bytes(label: String, total: u64) -> ProgressBar {
    if !on_terminal() {
        if total >= LONG {
            eprint_line(format_args!("{label} ({})", DecimalBytes(total)));
        }
        return ProgressBar::hidden();
    }
    let template = "{msg} [{wide_bar:.cyan/blue}] {decimal_bytes}/{decimal_total_bytes} {eta}";
    style(ProgressBar::new(total).with_message(Escaped(label).to_string()), template)
}

/// A spinner for work of unknown length; end it with `finish_and_clear`. Without a terminal, prints
/// a line.
pub fn spinner(label: String) -> ProgressBar {
    if !on_terminal() {
        eprint_line(label);
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner().with_message(Escaped(label).to_string());
    let bar = style(bar, "{spinner} {msg} {elapsed}");
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn style(bar: ProgressBar, template: &str) -> ProgressBar {
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}
