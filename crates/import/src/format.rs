//! Recognizes the format of a file by its name or by its first bytes.

use crate::error::{Problem, ProblemResult};

/// The formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Idx,
    Npy,
    Csv,
    /// PNG or JPEG.
    Picture,
    /// A zip archive, also `.npz`.
    Zip,
}

impl Format {
    /// The format of a file of a folder or an archive.
    pub fn from_name(name: &str) -> Option<Format> {
        let name = name.to_ascii_lowercase();
        let plain = name.strip_suffix(".gz").unwrap_or(&name);
        let (_, end) = plain.rsplit_once(['.', '-'])?;
        Some(match end {
            "npy" => Format::Npy,
            "npz" | "zip" => Format::Zip,
            "csv" => Format::Csv,
            "png" | "jpg" | "jpeg" => Format::Picture,
            "ubyte" | "idx" | "idx1" | "idx3" => Format::Idx,
            _ if plain.ends_with("-idx2-int") || plain.ends_with("-idx1-int") => Format::Idx,
            _ => return None,
        })
    }

    /// The format of data that start with these bytes.
    pub fn from_bytes(start: &[u8]) -> ProblemResult<Format> {
        let found = match start {
            [] => return Err(Problem::Empty),
            [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => return Ok(Format::Npy),
            [b'P', b'K', 3 | 5, 4 | 6, ..] => return Ok(Format::Zip),
            [0, 0, 8..=14, _, ..] => return Ok(Format::Idx),
            [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] => return Ok(Format::Picture),
            [0x80, 2..=5, ..] => "a Python pickle",
            [0x89, b'H', b'D', b'F', ..] => "an HDF5 file",
            [b'G', b'I', b'F', b'8', ..] => "a GIF picture",
            [b'B', b'M', ..] if start.contains(&0) => "a BMP picture",
            [b'R', b'I', b'F', b'F', ..] => "a WebP picture or another RIFF file",
            [b'I', b'I', b'*', 0, ..] | [b'M', b'M', 0, b'*', ..] => "a TIFF picture",
            [b'P', b'A', b'R', b'1', ..] => "a Parquet file",
            [b'7', b'z', 0xbc, 0xaf, ..] => "a 7z archive",
            [b'M', b'A', b'T', b'L', b'A', b'B', ..] => "a MATLAB file",
            [b'%', b'P', b'D', b'F', ..] => "a PDF document",
            [b'{' | b'[', ..] => "JSON text",
            [b'<', ..] => "a web page",
            _ if start.get(257..262) == Some(b"ustar") => "a tar archive",
            // `length of a JSON header`, then the header.
            _ if start.get(8) == Some(&b'{') => "a safetensors file",
            _ if is_csv(start) => return Ok(Format::Csv),
            _ if is_text(start) => "text that is no table of numbers",
            _ => "in a format that is not known",
        };
        Err(Problem::OtherFormat { found })
    }
}

fn is_text(start: &[u8]) -> bool {
    start.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~' | 0x80..))
}

fn is_csv(start: &[u8]) -> bool {
    let line = start.split(|&byte| byte == b'\n').next().unwrap_or(start);
    is_text(start) && line.iter().filter(|&&byte| byte == b',').count() > 2
}
