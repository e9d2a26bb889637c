//! Property tests: a naive reader decides which rule a generated file breaks.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::cmp::Ordering;
use std::collections::BTreeSet;

use common::gzip;
use mnist_io::{Error, Idx};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngSeed, TestRunner};

/// Codes and sizes of the element types, as in the README.
const TYPES: [(u8, usize); 6] = [(8, 1), (9, 1), (11, 2), (12, 4), (13, 4), (14, 8)];

/// The name of the rule that a plain file breaks, empty for a valid file.
fn naive(file: &[u8]) -> &'static str {
    if file.len() >= 2 && file[..2] != [0, 0] {
        return "Magic";
    }
    let [_, _, code, rank, rest @ ..] = file else {
        return "TruncatedHeader";
    };
    let Some((_, size)) = TYPES.iter().find(|(known, _)| known == code) else {
        return "UnknownType";
    };
    if *rank == 0 {
        return "Rank";
    }
    let Some((sizes, data)) = rest.split_at_checked(4 * usize::from(*rank)) else {
        return "TruncatedHeader";
    };
    let sizes = sizes.chunks(4).map(|n| u32::from_be_bytes(n.try_into().unwrap()));
    let product = |a: u128, b| a.saturating_mul(u128::from(b));
    let bytes = match sizes.clone().any(|n| n == 0) {
        true => 0,
        false => sizes.fold(*size as u128, product),
    };
    match (data.len() as u128).cmp(&bytes) {
        _ if bytes > usize::MAX as u128 => "TooLarge",
        Ordering::Less => "TruncatedData",
        Ordering::Equal => "",
        Ordering::Greater => "TrailingBytes",
    }
}

/// The name of the variant.
fn rule(error: &Error) -> String {
    let text = format!("{:?}", error.rule());
    text.split([' ', '(']).next().unwrap().to_owned()
}

/// A valid plain file: any type, 1 to 5 dimensions of 0 to 4, any elements.
fn valid() -> impl Strategy<Value = Vec<u8>> {
    (select(&TYPES[..]), vec(0_u32..5, 1..=5))
        .prop_flat_map(|((code, size), shape)| {
            let bytes = size * shape.iter().product::<u32>() as usize;
            (Just(code), Just(shape), vec(any::<u8>(), bytes))
        })
        .prop_map(|(code, shape, data)| file([0, 0], code, &shape, &data))
}

/// Files that often pass the first checks but rarely all of them.
fn nearly_valid() -> impl Strategy<Value = Vec<u8>> {
    let start = prop_oneof![15 => Just([0, 0]), 1 => any::<[u8; 2]>()];
    let code = prop_oneof![7 => select(vec![8, 9, 11, 12, 13, 14]), 1 => any::<u8>()];
    let size = prop_oneof![9 => 0_u32..4, 1 => any::<u32>()];
    let shape = prop_oneof![15 => vec(size.clone(), 0..4), 1 => vec(size, 0..256)];
    (start, code, shape, vec(any::<u8>(), 0..40), any::<Index>()).prop_map(
        |(start, code, shape, data, cut)| {
            let mut file = file(start, code, &shape, &data);
            // One file in four is cut.
            file.truncate(cut.index(4 * file.len()));
            file
        },
    )
}

fn file(start: [u8; 2], code: u8, shape: &[u32], data: &[u8]) -> Vec<u8> {
    let mut file = vec![start[0], start[1], code, shape.len() as u8];
    file.extend(shape.iter().flat_map(|n| n.to_be_bytes()));
    file.extend(data);
    file
}

fn written(idx: &Idx) -> Vec<u8> {
    let mut file = Vec::new();
    idx.write(&mut file).unwrap();
    file
}

fn config(seed: u64, cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Ensures that the next test covers every rule.
#[test]
fn generated_files_break_each_rule_and_some_are_valid() {
    let mut runner = TestRunner::new(config(1, 1));
    let found: BTreeSet<_> = (0..2000)
        .map(|_| naive(&nearly_valid().new_tree(&mut runner).unwrap().current()))
        .collect();
    let all = [
        "",
        "Magic",
        "Rank",
        "TooLarge",
        "TrailingBytes",
        "TruncatedData",
        "TruncatedHeader",
        "UnknownType",
    ];
    assert!(found.iter().eq(&all), "{found:?}");
}

proptest! {
    #![proptest_config(config(1, 2000))]

    #[test]
    fn read_finds_the_same_broken_rule_as_the_naive_reader(bytes in nearly_valid()) {
        prop_assume!(!bytes.starts_with(&[0x1f, 0x8b]));
        for source in [bytes.clone(), gzip(&bytes)] {
            match Idx::read(&source[..]) {
                Ok(idx) => {
                    prop_assert_eq!(naive(&bytes), "");
                    prop_assert_eq!(written(&idx), &bytes[..]);
                }
                Err(error) => prop_assert_eq!(naive(&bytes), rule(&error)),
            }
        }
    }

    #[test]
    fn any_bytes_are_an_array_or_an_error(bytes in vec(any::<u8>(), 0..200)) {
        let packed = [&[0x1f, 0x8b, 8, 0][..], &bytes].concat();
        for source in [bytes, packed] {
            if let Err(error) = Idx::read(&source[..]) {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }
}

proptest! {
    #![proptest_config(config(2, 300))]

    #[test]
    fn array_is_read_back_plain_and_compressed(file in valid()) {
        let idx = Idx::read(&file[..]).unwrap();
        prop_assert_eq!(written(&idx), &file[..]);
        let mut packed = Vec::new();
        idx.write_gzip(&mut packed).unwrap();
        prop_assert_eq!(written(&Idx::read(&packed[..]).unwrap()), file);
    }

    #[test]
    fn valid_file_cut_anywhere_is_an_error(file in valid(), at in any::<Index>()) {
        let cut = &file[..at.index(file.len())];
        let error = Idx::read(cut).unwrap_err();
        let cut_short = matches!(error, Error::TruncatedHeader { .. } | Error::TruncatedData { .. });
        prop_assert!(cut_short, "{:?}", error);
        let packed = gzip(&file);
        let cut = &packed[..at.index(packed.len() - 2) + 2];
        let error = Idx::read(cut).unwrap_err();
        prop_assert!(matches!(error, Error::GzipTruncated), "{:?}", error);
    }

    #[test]
    fn one_changed_byte_is_an_error_or_changes_only_that_byte(
        mut file in valid(), at in any::<Index>(), change in 1_u8..,
    ) {
        let original = file.clone();
        file[at.index(original.len())] ^= change;
        match Idx::read(&file[..]) {
            Ok(idx) => prop_assert_eq!(written(&idx), file),
            Err(error) => prop_assert_eq!(naive(&file), rule(&error)),
        }
        // The checksum of compressed data detects every change.
        let mut packed = gzip(&original);
        let at = at.index(packed.len());
        packed[at] ^= change;
        if let Ok(idx) = Idx::read(&packed[..]) {
            prop_assert_eq!(written(&idx), original);
        }
    }

    #[test]
    fn read_file_agrees_with_read_and_adds_the_path(bytes in nearly_valid()) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("array");
        std::fs::write(&path, &bytes).unwrap();
        match (Idx::read(&bytes[..]), Idx::read_file(&path)) {
            (Ok(bytes), Ok(file)) => prop_assert_eq!(written(&bytes), written(&file)),
            (Err(bytes), Err(file)) => {
                prop_assert_eq!(format!("{}: {bytes}", path.display()), file.to_string());
            }
            (bytes, file) => prop_assert!(false, "{:?}, but from a file {:?}", bytes, file),
        }
    }
}
