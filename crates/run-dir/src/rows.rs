//! The rows of a run's append-only files, one JSON object a line.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Error, Result, write_atomic};

/// One report of the training loop.
///
/// The numbers are those of the step named, not averages since the last row.
/// JSON has no infinities and no NaN: such a loss is written as `null` and read
/// back as NaN, so that a run that diverged can still be drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricsRow {
    /// Steps finished; a step is one update of D and one of G.
    pub step: u64,
    /// Originals shown to D so far.
    pub images_seen: u64,
    /// Seconds of training so far, pauses for pictures excluded.
    pub seconds: f64,
    /// D's loss, as the preset's loss defines it.
    #[serde(deserialize_with = "null_as_nan")]
    pub loss_d: f64,
    /// G's loss, as the preset's loss defines it.
    #[serde(deserialize_with = "null_as_nan")]
    pub loss_g: f64,
    /// Share of this step's originals that D calls originals, 0 to 1.
    pub real_called_real: f64,
    /// Share of this step's forgeries that D calls originals, 0 to 1.
    pub fake_called_real: f64,
    /// D's learning rate in this step.
    pub lr_d: f64,
    /// G's learning rate in this step.
    pub lr_g: f64,
}

/// What a one-dimensional game looks like after a step: two densities and D,
/// at the same points, which lie evenly from `low` to `high`, both included.
///
/// The three columns have one length, at least 2. A number that is not finite
/// is written as `null` and read back as NaN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DensityRow {
    /// Steps finished.
    pub step: u64,
    /// The first point.
    pub low: f64,
    /// The last point, above the first.
    pub high: f64,
    /// p_data, the density of originals, 0 or more.
    #[serde(deserialize_with = "nulls_as_nan")]
    pub originals: Vec<f64>,
    /// p_g, the density of forgeries, 0 or more.
    #[serde(deserialize_with = "nulls_as_nan")]
    pub forgeries: Vec<f64>,
    /// The probability that D gives to "original", 0 to 1.
    #[serde(deserialize_with = "nulls_as_nan")]
    pub decision: Vec<f64>,
    /// The game's value, E log D(x) + E log(1 - D(G(z))), at most 0
    /// (Goodfellow et al. 2014, equation 1).
    #[serde(deserialize_with = "null_as_nan")]
    pub value: f64,
}

/// What a row file consists of.
pub(crate) trait Row: Serialize + DeserializeOwned {
    /// Steps finished when the row was made.
    fn step(&self) -> u64;

    /// Refuses what no parser can.
    fn check(&self) -> std::result::Result<(), String> {
        Ok(())
    }
}

impl Row for MetricsRow {
    fn step(&self) -> u64 {
        self.step
    }

    fn check(&self) -> std::result::Result<(), String> {
        for (name, number) in [
            ("seconds", self.seconds),
            ("real_called_real", self.real_called_real),
            ("fake_called_real", self.fake_called_real),
            ("lr_d", self.lr_d),
            ("lr_g", self.lr_g),
        ] {
            if !number.is_finite() {
                return Err(format!(
                    "{name} is {number}, but only a loss may be not finite"
                ));
            }
        }
        Ok(())
    }
}

impl Row for DensityRow {
    fn step(&self) -> u64 {
        self.step
    }

    fn check(&self) -> std::result::Result<(), String> {
        let (low, high) = (self.low, self.high);
        if !(low < high && (high - low).is_finite()) {
            return Err(format!(
                "low {low} must lie below high {high}, at a distance that is a number"
            ));
        }
        let points = self.originals.len();
        let others = [self.forgeries.len(), self.decision.len()];
        if points < 2 || others != [points; 2] {
            return Err(format!(
                "originals, forgeries and decision must be equally many, at least 2; they are \
                 {points}, {} and {}",
                others[0], others[1]
            ));
        }
        Ok(())
    }
}

/// Appends one row to the file, which is made where there is none. A last line
/// that was cut short goes first: the row would be glued to it.
pub(crate) fn append<R: Row>(path: &Path, row: &R) -> Result<()> {
    let refused = |reason| Error::Row {
        path: path.to_owned(),
        line: None,
        reason,
    };
    row.check().map_err(refused)?;
    let mut line = serde_json::to_vec(row).map_err(|e| refused(e.to_string()))?;
    line.push(b'\n');
    append_line(path, &line).map_err(Error::io("write", path))
}

fn append_line(path: &Path, line: &[u8]) -> std::io::Result<()> {
    // Not for appending: Windows cuts no file that is open for that alone.
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    // A run may be measured while it is trained: another's row may be half there.
    file.lock()?;
    drop_cut_line(&mut file)?;
    file.seek(SeekFrom::End(0))?;
    file.write_all(line)
}

/// Cuts the file back to its last line end, where it does not end in one.
fn drop_cut_line(file: &mut File) -> std::io::Result<()> {
    if file.metadata()?.len() == 0 {
        return Ok(());
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    if last == [b'\n'] {
        return Ok(());
    }
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    let end = bytes.iter().rposition(|&byte| byte == b'\n');
    file.set_len(end.map_or(0, |at| at as u64 + 1))
}

/// The file's rows, oldest first; no file means no rows yet. A last line
/// without its line end is a write cut short and is left out.
pub(crate) fn read<R: Row>(path: &Path) -> Result<Vec<R>> {
    let mut rows = Vec::new();
    each(path, |row, _| rows.push(row))?;
    Ok(rows)
}

/// Removes the rows after step `last`, all without one, and a last line that
/// was cut short; the file is replaced whole, if something is to go at all.
pub(crate) fn rewind<R: Row>(path: &Path, last: Option<u64>) -> Result<()> {
    let mut kept = Vec::new();
    each(path, |row: R, line| {
        if last.is_some_and(|last| row.step() <= last) {
            kept.extend_from_slice(line);
            kept.push(b'\n');
        }
    })?;
    match path.metadata() {
        Ok(file) if file.len() == kept.len() as u64 => Ok(()),
        Ok(_) => write_atomic(path, |w| w.write_all(&kept)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Error::io("read", path)(e)),
    }
}

/// Hands each whole row of the file to `take`, with its line.
fn each<R: Row>(path: &Path, mut take: impl FnMut(R, &[u8])) -> Result<()> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io("read", path)(e)),
    };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        reader
            .read_until(b'\n', &mut line)
            .map_err(Error::io("read", path))?;
        if line.pop() != Some(b'\n') {
            break;
        }
        let refused = |reason| Error::Row {
            path: path.to_owned(),
            line: Some(number),
            reason,
        };
        let row: R = serde_json::from_slice(&line).map_err(|e| refused(e.to_string()))?;
        row.check().map_err(refused)?;
        take(row, &line);
    }
    Ok(())
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
