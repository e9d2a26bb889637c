//! CSV files: a line per image with its pixels, and its label before or among them.

use std::io::{BufRead, BufReader, Read};

use crate::entry::Entry;
use crate::error::{Problem, ProblemResult, Result};

/// Maximum length of a line.
const MAX_LINE_BYTES: u64 = 1 << 22;

/// Names of the column of labels.
const LABELS: [&str; 6] = ["label", "labels", "class", "target", "digit", "y"];

/// Receives the number, the pixels and the label of an image.
pub(crate) type VisitItem<'a> = dyn FnMut(usize, &[f64], Option<f64>) -> ProblemResult<()> + 'a;

/// The columns of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns {
    /// Whether the first line names the columns.
    header: bool,
    /// A first column that numbers the lines.
    index: bool,
    /// The column of labels.
    label: Option<usize>,
    count: usize,
    /// Rows and columns of an image.
    pub side: usize,
}

impl Columns {
    /// The columns of an entry, by its first line.
    pub fn from_entry(entry: &Entry) -> Result<Columns> {
        entry.read_start(|reader| {
            let mut line = Vec::new();
            read_line(&mut BufReader::new(reader), 1, &mut line)?;
            Columns::from_line(&line)
        })
    }

    fn from_line(line: &[u8]) -> ProblemResult<Columns> {
        let names: Vec<String> =
            fields(line).map(|field| String::from_utf8_lossy(field).to_ascii_lowercase()).collect();
        let count = names.len();
        let header = names.iter().any(|name| name.parse::<f64>().is_err());
        let index = header && names.first().is_some_and(|n| n.is_empty() || n == "unnamed: 0");
        let named = names.iter().position(|name| LABELS.contains(&name.as_str()));
        let rest = count - usize::from(index);
        let label = match named.filter(|_| header) {
            Some(named) => Some(named),
            None if side(rest).is_some() => None,
            None => Some(usize::from(index)),
        };
        let side = side(rest - usize::from(label.is_some())).ok_or_else(|| Problem::Csv {
            line: 1,
            reason: format!("{count} columns are no square image, with or without a label"),
        })?;
        Ok(Columns { header, index, label, count, side })
    }

    /// Calls `visit` with the pixels and the label of each line.
    pub fn read_items(
        &self,
        reader: &mut dyn Read,
        visit: &mut VisitItem<'_>,
    ) -> ProblemResult<()> {
        let mut reader = BufReader::with_capacity(1 << 16, reader);
        let (mut line, mut pixels) = (Vec::new(), Vec::new());
        let (mut number, mut item) = (0, 0);
        while read_line(&mut reader, number + 1, &mut line)? {
            number += 1;
            if (number == 1 && self.header) || line.is_empty() {
                continue;
            }
            let wrong = |reason| Problem::Csv { line: number, reason };
            pixels.clear();
            let (mut label, mut count) = (None, 0);
            for (column, field) in fields(&line).enumerate() {
                count += 1;
                if column == 0 && self.index {
                    continue;
                }
                let value = number_in(field).ok_or_else(|| {
                    let text: String = String::from_utf8_lossy(field).chars().take(20).collect();
                    wrong(format!("{:?} in column {} is not a number", text, column + 1))
                })?;
                if self.label == Some(column) {
                    label = Some(value);
                } else {
                    pixels.push(value);
                }
            }
            if count != self.count {
                return Err(wrong(format!("{count} columns instead of {}", self.count)));
            }
            visit(item, &pixels, label)?;
            item += 1;
        }
        Ok(())
    }
}

/// Reads a line without its end. Returns false at the end of the file.
fn read_line(reader: &mut impl BufRead, number: u64, line: &mut Vec<u8>) -> ProblemResult<bool> {
    line.clear();
    reader.take(MAX_LINE_BYTES).read_until(b'\n', line)?;
    if line.is_empty() {
        return Ok(false);
    }
    if line.len() as u64 == MAX_LINE_BYTES {
        return Err(Problem::Csv { line: number, reason: "it is longer than 4 MiB".to_owned() });
    }
    while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        line.pop();
    }
    if line.starts_with(b"\xef\xbb\xbf") {
        line.drain(..3);
    }
    Ok(true)
}

fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&byte| byte == b',').map(|field| {
        let field = field.trim_ascii();
        field.strip_prefix(b"\"").and_then(|f| f.strip_suffix(b"\"")).unwrap_or(field)
    })
}

fn number_in(field: &[u8]) -> Option<f64> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

/// The root of a square number above 3.
pub(crate) fn side(pixels: usize) -> Option<usize> {
    let side = pixels.isqrt();
    (side > 1 && side * side == pixels).then_some(side)
}
