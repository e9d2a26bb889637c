//! What the user sees while something takes time: bars on a terminal, plain
//! lines elsewhere, all on standard error.

use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal, Write};
use std::time::Duration;

use indicatif::{DecimalBytes, ProgressBar, ProgressStyle};

/// Prints one line. Work goes on where nobody can be told.
pub fn say(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Prints a result on standard output. That nobody reads on, as behind
/// `| head -1`, is no failure.
pub fn show(result: impl Display) -> std::io::Result<()> {
    match writeln!(std::io::stdout(), "{result}") {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Whether bars are drawn.
pub fn on_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// A size as people read it, `526.57 MB`.
pub fn size(bytes: u64) -> impl Display {
    DecimalBytes(bytes)
}

/// Less than this is read, hashed or unpacked in a moment, in bytes.
const A_MOMENT: u64 = 50_000_000;

/// A bar over `total` bytes; finish it with `finish_and_clear`. Without a
/// terminal, a line where it will take a while.
pub fn bytes(label: String, total: u64) -> ProgressBar {
    if !on_terminal() {
        if total >= A_MOMENT {
            say(format_args!("{label} ({})", size(total)));
        }
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total).with_message(label);
    style(
        bar,
        "{msg} [{wide_bar:.cyan/blue}] {decimal_bytes}/{decimal_total_bytes} {eta}",
    )
}

/// A sign of life for work of unknown length; finish it with
/// `finish_and_clear`.
pub fn spinner(label: String) -> ProgressBar {
    if !on_terminal() {
        say(label);
        return ProgressBar::hidden();
    }
    let bar = style(
        ProgressBar::new_spinner().with_message(label),
        "{spinner} {msg} {elapsed}",
    );
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn style(bar: ProgressBar, template: &str) -> ProgressBar {
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}
