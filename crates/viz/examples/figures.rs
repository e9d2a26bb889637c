//! Draws all figures of a run directory: `figures RUN_DIR`.

use std::error::Error;
use std::io::{ErrorKind, Write};

use gan_viz::figures::draw_all;
use run_dir::RunDir;

fn main() -> Result<(), Box<dyn Error>> {
    let run = std::env::args_os().nth(1).ok_or("usage: figures RUN_DIR")?;
    for figure in draw_all(&RunDir::open(run.as_ref())?)? {
        match writeln!(std::io::stdout(), "{}: {}", figure.path.display(), figure.kind.shows()) {
            // The reader of a pipe, such as `head`, may stop early.
            Err(e) if e.kind() == ErrorKind::BrokenPipe => break,
            written => written?,
        }
    }
    Ok(())
}
