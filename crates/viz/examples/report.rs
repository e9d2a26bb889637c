//! Writes the report of a run: `cargo run -p gan-viz --example report -- RUN_DIR`.

use std::error::Error;

use gan_viz::report::{State, write};
use run_dir::RunDir;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::args().nth(1).ok_or("usage: report RUN_DIR")?;
    let run = RunDir::open(dir.as_ref())?;
    println!("open {}", write(&run, State::read(&run)?)?.display());
    Ok(())
}
