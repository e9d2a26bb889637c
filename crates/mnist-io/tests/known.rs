//! Known data sets: identified and verified by SHA-256.

mod common;

use std::fs;

use common::{NAMES, files, gzip, write_set};
use mnist_io::known::{self, KnownFile, KnownSet};
use mnist_io::{Error, find_files, sha256_hex};

/// Published test values of FIPS 180-4: a message of one block, and the empty
/// message.
#[test]
fn sha256_matches_published_values() {
    assert_eq!(
        sha256_hex(b"abc"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!(sha256_hex(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#[test]
fn identify_accepts_each_split_and_no_mixture() {
    for set in known::ALL {
        let [a, b, c, d] = set.files.map(|file| file.sha256);
        assert_eq!(known::by_name(set.name), Some(set));
        assert_eq!(known::identify(a, b), Some(set));
        assert_eq!(known::identify(c, d), Some(set));
        assert_eq!(known::identify(a, d), None);
        assert_eq!(known::identify(b, a), None);
    }
    let mnist = known::MNIST.files[0].sha256;
    assert_eq!(known::identify(mnist, known::FASHION_MNIST.files[1].sha256), None);
}

#[test]
fn known_files_have_the_usual_names_and_complete_hashes() {
    for set in known::ALL {
        assert_eq!(set.files.map(|file| file.name), NAMES);
        assert_eq!(set.files.map(|file| file.bytes), [47_040_016, 60_008, 7_840_016, 10_008]);
        for file in set.files {
            assert_eq!(file.sha256.len(), 64);
            assert!(file.sha256.bytes().all(|b| b"0123456789abcdef".contains(&b)));
        }
    }
}

/// The set of [`write_set`].
fn small() -> KnownSet {
    KnownSet {
        name: "small",
        title: "Small",
        files: std::array::from_fn(|i| KnownFile {
            name: NAMES[i],
            bytes: files()[i].len() as u64,
            sha256: sha256_hex(&files()[i]).leak(),
        }),
    }
}

#[test]
fn find_files_and_best_match_accept_plain_and_compressed_files() {
    let sets = [small()];
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    assert_eq!(find_files(&at("none"), None).unwrap(), [const { None }; 4]);
    // The name with a dot, compressed.
    let labels = at("t10k-labels.idx1-ubyte.gz");
    fs::write(&labels, gzip(&files()[3])).unwrap();
    fs::write(at(NAMES[0]), &files()[0]).unwrap();
    let found = find_files(dir.path(), None).unwrap();
    assert_eq!(found, [Some(at(NAMES[0])), None, None, Some(labels.clone())]);
    assert_eq!(known::best_match(&sets, dir.path()).unwrap(), Some((&sets[0], vec![])));
    // The content of another file of the set.
    fs::write(&labels, gzip(&files()[1])).unwrap();
    let found = known::best_match(&sets, dir.path()).unwrap();
    assert_eq!(found, Some((&sets[0], vec![labels])));
}

#[test]
fn best_match_names_the_files_that_differ_from_the_set() {
    let other = known::MNIST;
    let sets = [other, small()];
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(known::best_match(&sets, dir.path()).unwrap(), None);
    write_set(dir.path());
    assert_eq!(known::best_match(&sets, dir.path()).unwrap(), Some((&sets[1], vec![])));

    // Every single bit of one file.
    let path = dir.path().join(NAMES[2]);
    let good = &files()[2];
    for bit in 0..8 * good.len() {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, bad).unwrap();
        let found = known::best_match(&sets, dir.path()).unwrap();
        assert_eq!(found, Some((&sets[1], vec![path.clone()])), "bit {bit}");
    }

    // Damaged gzip data differs too, and a missing file does not differ.
    fs::remove_file(&path).unwrap();
    let packed = dir.path().join(format!("{}.gz", NAMES[2]));
    fs::write(&packed, &gzip(good)[..20]).unwrap();
    fs::remove_file(dir.path().join(NAMES[1])).unwrap();
    let found = known::best_match(&sets, dir.path()).unwrap();
    assert_eq!(found, Some((&sets[1], vec![packed])));

    // Four files with the names of a set, but without a file of the set.
    for name in NAMES {
        fs::write(dir.path().join(name), b"own data").unwrap();
    }
    assert_eq!(known::best_match(&sets, dir.path()).unwrap(), None);
}

#[test]
fn verify_checks_every_byte() {
    let set = small();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(NAMES[2]);
    write_set(dir.path());
    set.verify(dir.path()).unwrap();

    let mut changed = files()[2].clone();
    changed[17] ^= 1;
    fs::write(&path, &changed).unwrap();
    let error = set.verify(dir.path()).unwrap_err();
    assert!(matches!(&error, Error::InFile { path: named, .. } if *named == path));
    assert!(matches!(error.rule(), Error::WrongHash { title: "Small", .. }));

    for bytes in [&files()[2][..23], &[&files()[2][..], &[0]].concat(), &[]] {
        fs::write(&path, bytes).unwrap();
        let error = set.verify(dir.path()).unwrap_err();
        assert!(matches!(error.rule(), Error::WrongSize { expected: 24, .. }), "{error:?}");
    }

    fs::remove_file(&path).unwrap();
    let error = set.verify(dir.path()).unwrap_err();
    assert!(matches!(error, Error::MissingFile { .. }), "{error:?}");

    let packed = gzip(&files()[2]);
    let path = dir.path().join(format!("{}.gz", NAMES[2]));
    fs::write(&path, &packed).unwrap();
    set.verify(dir.path()).unwrap();
    fs::write(&path, &packed[..packed.len() - 3]).unwrap();
    let error = set.verify(dir.path()).unwrap_err();
    assert!(matches!(error.rule(), Error::GzipTruncated), "{error:?}");
}
