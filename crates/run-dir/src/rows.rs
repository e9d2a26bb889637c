//! The rows of the JSON Lines files, one JSON object per line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use cap_std::fs::OpenOptions;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use crate::dir::RunDir;
use crate::error::{Error, Result};

/// The largest accepted row file, in bytes: 1 GiB.
pub(crate) const MAX_ROW_FILE_BYTES: u64 = 1 << 30;

/// The longest accepted line with its line end, in bytes: 1 MiB.
const MAX_LINE_BYTES: usize = 1 << 20;

/// One report of the training loop.
///
/// The numbers describe the step `step` only; they are not averages. JSON has
/// no infinity and no NaN. A loss with such a value is written as `null` and
/// read as NaN, so a diverged run can be plotted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricsRow {
    /// The number of finished steps. One step updates D once and G once.
    pub step: u64,
    /// The number of real images that D has seen.
    pub images_seen: u64,
    /// Seconds of training, without the time for figures.
    pub seconds: f64,
    /// The loss of D, as defined by the preset's loss.
    #[serde(deserialize_with = "null_as_nan")]
    pub loss_d: f64,
    /// The loss of G, as defined by the preset's loss.
    #[serde(deserialize_with = "null_as_nan")]
    pub loss_g: f64,
    /// Share of the real images of this step that D classifies as real, 0 to 1.
    pub d_real: f64,
    /// Share of the fake images of this step that D classifies as real, 0 to 1.
    pub d_fake: f64,
    /// The learning rate of D in this step.
    pub lr_d: f64,
    /// The learning rate of G in this step.
    pub lr_g: f64,
}

/// Both densities and the output of D for one-dimensional data, at evenly
/// spaced points from `low` to `high`, both included.
///
/// The three columns have equal lengths of at least 2. A value that is NaN or
/// infinite is written as `null` and read as NaN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DensityRow {
    /// The number of finished steps.
    pub step: u64,
    /// The first point.
    pub low: f64,
    /// The last point, greater than the first.
    pub high: f64,
    /// p_data, the density of the real data, at least 0.
    #[serde(deserialize_with = "nulls_as_nan")]
    pub real: Vec<f64>,
    /// p_g, the density of the fake data, at least 0.
    #[serde(deserialize_with = "nulls_as_nan")]
    pub fake: Vec<f64>,
    /// D(x), the probability of real data according to D, 0 to 1.
    #[serde(deserialize_with = "nulls_as_nan")]
    pub discriminator: Vec<f64>,
    /// The value function E log D(x) + E log(1 - D(G(z))), at most 0
    /// (Goodfellow et al. 2014, equation 1).
    #[serde(deserialize_with = "null_as_nan")]
    pub value: f64,
}

/// A row of a row file.
pub(crate) trait Row: Serialize + DeserializeOwned {
    /// Checks the rules that the types do not express.
    fn check(&self) -> std::result::Result<(), String> {
        Ok(())
    }
}

impl MetricsRow {
    /// Whether D classifies more than 98% of the real and of the fake images correctly.
    pub fn discriminator_dominates(&self) -> bool {
        self.d_real > 0.98 && self.d_fake < 0.02
    }
}

impl Row for MetricsRow {
    fn check(&self) -> std::result::Result<(), String> {
        for (name, number) in [
            ("seconds", self.seconds),
            ("d_real", self.d_real),
            ("d_fake", self.d_fake),
            ("lr_d", self.lr_d),
            ("lr_g", self.lr_g),
        ] {
            if !number.is_finite() {
                return Err(format!("{name} is {number}; only losses may be NaN or infinite"));
            }
        }
        Ok(())
    }
}

impl Row for DensityRow {
    fn check(&self) -> std::result::Result<(), String> {
        let (low, high) = (self.low, self.high);
        if !(low < high && (high - low).is_finite()) {
            return Err(format!(
                "low {low} must be less than high {high}, and their difference must be finite"
            ));
        }
        let lengths = [&self.real, &self.fake, &self.discriminator].map(Vec::len);
        if lengths[0] < 2 || lengths != [lengths[0]; 3] {
            return Err(format!(
                "real, fake and discriminator must have equal lengths of at least 2; they have \
                 {lengths:?}"
            ));
        }
        Ok(())
    }
}

/// Appends rows to the file, which is created if it does not exist. Returns the file.
pub(crate) fn append<'a, R: Row + 'a>(
    run: &RunDir,
    path: &Path,
    rows: impl IntoIterator<Item = &'a R>,
) -> Result<File> {
    let mut lines = String::new();
    for row in rows {
        let json = serde_json::to_string(row).map_err(|e| e.to_string());
        let line = row.check().and(json).and_then(|line| check_length(line.len()).map(|()| line));
        let line = line.map_err(|reason| Error::Row { path: path.to_owned(), line: None, reason });
        lines += &(line? + "\n");
    }
    // Windows cannot shorten a file that is open only for appending.
    let file = run.open_with(path, OpenOptions::new().read(true).write(true).create(true))?;
    append_lines(file, lines.as_bytes()).map_err(Error::io("write", path))
}

fn append_lines(mut file: File, lines: &[u8]) -> io::Result<File> {
    // Training and evaluation may append at the same time.
    file.lock()?;
    remove_partial_line(&mut file)?;
    file.seek(SeekFrom::End(0))?;
    file.write_all(lines)?;
    file.unlock()?;
    Ok(file)
}

/// Removes a last line without a line end, so the next row gets its own line.
fn remove_partial_line(file: &mut File) -> io::Result<()> {
    let length = file.metadata()?.len();
    if length >= MAX_ROW_FILE_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it has more than 1 GiB"));
    }
    let start = length.saturating_sub(MAX_LINE_BYTES as u64);
    let mut end = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    (&*file).take(MAX_LINE_BYTES as u64).read_to_end(&mut end)?;
    match end.iter().rposition(|&byte| byte == b'\n') {
        Some(at) if at + 1 == end.len() => Ok(()),
        Some(at) => file.set_len(start + at as u64 + 1),
        None if start == 0 => file.set_len(0),
        None => check_length(end.len() + 1).map_err(io::Error::other),
    }
}

fn check_length(bytes: usize) -> std::result::Result<(), String> {
    if bytes < MAX_LINE_BYTES { Ok(()) } else { Err("the line is longer than 1 MiB".to_owned()) }
}

/// Reads all rows, oldest first. A missing file has no rows. A last line
/// without a line end is skipped.
pub(crate) fn read<R: Row>(run: &RunDir, path: &Path) -> Result<Vec<R>> {
    let mut rows = Vec::new();
    if let Some(file) = run.open_rows(path)? {
        for_each(file, path, |row, _| rows.push(row))?;
    }
    Ok(rows)
}

/// Keeps the rows that `keep` accepts. Removes the others and a last line without a line
/// end. The file is replaced atomically, and only if it changes.
pub(crate) fn retain<R: Row>(run: &RunDir, path: &Path, keep: impl Fn(&R) -> bool) -> Result<()> {
    let Some(file) = run.open_rows(path)? else {
        return run.reset_recorded_rows(path);
    };
    let mut kept = Vec::new();
    let length = for_each(file, path, |row: R, line| {
        if keep(&row) {
            kept.extend_from_slice(line);
            kept.push(b'\n');
        }
    })?;
    if length == kept.len() as u64 {
        return Ok(());
    }
    // A process may be killed before or after the file is replaced.
    run.reset_recorded_rows(path)?;
    run.write(path, |w| w.write_all(&kept))
}

/// Calls `visit` with each complete row and its line. Returns the file's length.
pub(crate) fn for_each<R: Row>(
    file: File,
    path: &Path,
    mut visit: impl FnMut(R, &[u8]),
) -> Result<u64> {
    let length = file.metadata().map_err(Error::io("read", path))?.len();
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    for number in 1.. {
        let invalid = |reason| Error::Row { path: path.to_owned(), line: Some(number), reason };
        line.clear();
        let mut limited = reader.by_ref().take(MAX_LINE_BYTES as u64);
        limited.read_until(b'\n', &mut line).map_err(Error::io("read", path))?;
        if line.pop_if(|byte| *byte == b'\n').is_none() {
            check_length(line.len()).map_err(invalid)?;
            break;
        }
        let row = serde_json::from_slice(&line)
            .map_err(|e| e.to_string())
            .and_then(|row: R| row.check().map(|()| row))
            .map_err(invalid)?;
        visit(row, &line);
    }
    Ok(length)
}

fn null_as_nan<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

fn nulls_as_nan<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Vec<f64>, D::Error> {
    let numbers: Vec<Option<f64>> = Deserialize::deserialize(deserializer)?;
    Ok(numbers.into_iter().map(|n| n.unwrap_or(f64::NAN)).collect())
}
