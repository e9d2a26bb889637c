//! Decompresses gzip streams, with one error per broken rule.

use std::io::{self, BufRead, ErrorKind, Read};

use flate2::bufread::GzDecoder;

use crate::error::Error;

/// The first two bytes of a gzip stream.
pub(crate) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Decompresses a gzip stream of one or more members.
///
/// Returns the end of the data only if the checksum is correct and no other bytes
/// follow. Its `io::Error`s contain an [`Error`], which `Error::from` extracts.
pub(crate) struct Gunzip<R> {
    /// `None` at the end.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Gunzip<R> {
    pub(crate) fn new(reader: R) -> Gunzip<R> {
        Gunzip { member: Some(GzDecoder::new(reader)) }
    }
}

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let count = member.read(buf).map_err(classify)?;
            if count > 0 || buf.is_empty() {
                return Ok(count);
            }
            let next = member.get_mut().fill_buf()?.first().copied();
            let ended = self.member.take();
            match next {
                None => {}
                Some(byte) if byte == MAGIC[0] => {
                    self.member = ended.map(|member| GzDecoder::new(member.into_inner()));
                }
                Some(_) => return Err(io::Error::other(Error::GzipTrailing)),
            }
        }
        Ok(0)
    }
}

fn classify(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::UnexpectedEof => io::Error::other(Error::GzipTruncated),
        ErrorKind::InvalidInput | ErrorKind::InvalidData => {
            io::Error::other(Error::GzipCorrupt { reason: error })
        }
        _ => error,
    }
}
