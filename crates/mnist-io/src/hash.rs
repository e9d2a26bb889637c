//! SHA-256 in hexadecimal.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

/// Returns the SHA-256 of `bytes` as 64 lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    sha256_of_parts(&[bytes])
}

/// Returns the SHA-256 of the concatenated `parts`.
pub(crate) fn sha256_of_parts(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hex(&hasher.finalize())
}

/// The number of bytes in `reader` and their SHA-256, as 64 lower-case hexadecimal digits.
///
/// # Errors
/// Any error of `reader`.
pub fn sha256_of_reader(mut reader: impl Read) -> io::Result<(u64, String)> {
    let mut hasher = Sha256::new();
    let mut buffer = Vec::new();
    let mut bytes = 0;
    while reader.by_ref().take(1 << 16).read_to_end(&mut buffer)? > 0 {
        hasher.update(&buffer);
        bytes += buffer.len() as u64;
        buffer.clear();
    }
    Ok((bytes, hex(&hasher.finalize())))
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
