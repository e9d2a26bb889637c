//! `cargo xtask runs`: all runs as a table.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result};
use gan_cli::RunsArgs;
use gan_viz::report::State;
use indicatif::{DecimalBytes, HumanCount};
use run_dir::RunDir;

use crate::progress::print_line;
use crate::workspace::Workspace;

/// Folders below a run's folder that are counted: `figures/samples` is the deepest.
const DEPTH: u32 = 3;

/// Prints every run in the folder of runs, the newest last.
pub fn show(workspace: &Workspace, args: &RunsArgs) -> Result<()> {
    let folder = args.runs.clone().unwrap_or_else(|| workspace.root.join("runs"));
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries.collect::<std::io::Result<Vec<_>>>(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    };
    let entries = entries.with_context(|| format!("cannot read {}", folder.display()))?;
    // `runs/latest` is a link to one of them.
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let mut paths: Vec<_> =
        entries.iter().filter(|e| is_folder(e)).map(fs::DirEntry::path).collect();
    paths.sort();
    let runs: Vec<RunDir> = paths.iter().filter_map(|path| RunDir::open(path).ok()).collect();
    if runs.is_empty() {
        let folder = folder.display();
        print_line(format_args!("no runs in {folder}; `cargo xtask train` makes one"))?;
        return Ok(());
    }
    let header = ["run", "preset", "data", "age", "steps", "FID", "size", "state"];
    let rows = runs.iter().map(|run| row(run).unwrap_or_else(|error| invalid(run, &error)));
    let rows: Vec<_> = std::iter::once(header.map(str::to_owned)).chain(rows).collect();
    print_line(table(&rows))?;
    Ok(())
}

fn row(run: &RunDir) -> Result<[String; 8]> {
    let config = run.config()?;
    let fid = run.quality()?.iter().rev().find_map(|row| row.value("fid"));
    let steps = run.metrics()?.last().map_or(0, |row| row.step);
    Ok([
        run.name(),
        config.preset,
        config.dataset.map_or("–".to_owned(), |set| set.name),
        age(&run.config_path()),
        HumanCount(steps).to_string(),
        fid.map_or("–".to_owned(), |fid| format!("{fid:.2}")),
        DecimalBytes(size(run.root(), DEPTH)).to_string(),
        State::read(run)?.to_string(),
    ])
}

/// The row of a run whose files are invalid.
fn invalid(run: &RunDir, error: &anyhow::Error) -> [String; 8] {
    let mut row = [const { String::new() }; 8];
    row[0] = run.name();
    row[7] = format!("invalid: {error}");
    row
}

/// The time since the file was written, in its largest unit.
fn age(path: &Path) -> String {
    let written = fs::metadata(path).and_then(|file| file.modified());
    let now = SystemTime::now();
    let seconds = written.map_or(0, |at| now.duration_since(at).unwrap_or_default().as_secs());
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Bytes of all files below `folder`, without following links.
fn size(folder: &Path, depth: u32) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => size(&entry.path(), depth - 1),
            Ok(kind) if kind.is_file() => entry.metadata().map_or(0, |file| file.len()),
            _ => 0,
        })
        .sum()
}

/// Columns padded to equal widths; numbers are aligned at the right.
fn table(rows: &[[String; 8]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; 8] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let lines = rows.iter().map(|row| {
        let cells = row.iter().zip(widths).enumerate().map(|(column, (text, width))| {
            if (3..7).contains(&column) {
                format!("{text:>width$}")
            } else {
                format!("{text:<width$}")
            }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_equal_widths() {
        let row =
            |steps: &str| ["0001-a", "p", "d", "1 h", steps, "–", "1 B", "x"].map(str::to_owned);
        let table = table(&[row("10"), row("1,000")]);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0], "0001-a  p  d  1 h     10  –  1 B  x");
        assert_eq!(lines[1], "0001-a  p  d  1 h  1,000  –  1 B  x");
    }

    #[test]
    fn size_counts_files_of_all_folders() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("figures/samples")).unwrap();
        for (file, bytes) in [("a", 3), ("figures/b", 5), ("figures/samples/c", 7)] {
            fs::write(dir.path().join(file), vec![0; bytes]).unwrap();
        }
        assert_eq!(size(dir.path(), DEPTH), 15);
    }
}
