//! The classes of labeled images.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The classes of labeled images, ascending; empty for images without labels.
///
/// As text they are ranges: `0-4,9`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Classes(Vec<u8>);

impl Classes {
    /// The classes that occur in `labels`.
    pub fn from_labels(labels: &[u8]) -> Classes {
        labels.iter().copied().collect()
    }

    /// The classes 0 to 9.
    pub fn digits() -> Classes {
        (0..10).collect()
    }

    /// Each class, ascending.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// Number of classes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no classes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The length of a one-hot label: one plus the largest class.
    pub fn one_hot_size(&self) -> i64 {
        self.0.last().map_or(0, |&largest| i64::from(largest) + 1)
    }

    /// Whether `class` is one of them.
    pub fn contains(&self, class: u8) -> bool {
        self.0.binary_search(&class).is_ok()
    }

    /// The class of sample `index`, if samples cycle through the classes; 0 without classes.
    pub fn cyclic(&self, index: u64) -> u8 {
        let position = index % self.0.len().max(1) as u64;
        self.0.get(position as usize).copied().unwrap_or(0)
    }
}

impl FromIterator<u8> for Classes {
    fn from_iter<I: IntoIterator<Item = u8>>(labels: I) -> Classes {
        let classes: BTreeSet<u8> = labels.into_iter().collect();
        Classes(classes.into_iter().collect())
    }
}

impl fmt::Display for Classes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        for range in self.0.chunk_by(|a, b| b - a == 1) {
            match *range {
                [one] => write!(f, "{comma}{one}")?,
                [first, .., last] => write!(f, "{comma}{first}-{last}")?,
                [] => {}
            }
            comma = ",";
        }
        Ok(())
    }
}

impl FromStr for Classes {
    type Err = String;

    fn from_str(text: &str) -> Result<Classes, String> {
        let ranges: Option<Vec<_>> = text
            .split(',')
            .map(|part| {
                let (first, last) = part.split_once('-').unwrap_or((part, part));
                let (first, last): (u8, u8) =
                    (first.trim().parse().ok()?, last.trim().parse().ok()?);
                (first <= last).then_some(first..=last)
            })
            .collect();
        let ranges =
            ranges.ok_or_else(|| "it must be classes from 0 to 255, as in 0-4,9".to_owned())?;
        Ok(ranges.into_iter().flatten().collect())
    }
}

impl TryFrom<String> for Classes {
    type Error = String;

    fn try_from(text: String) -> Result<Classes, String> {
        text.parse()
    }
}

impl From<Classes> for String {
    fn from(classes: Classes) -> String {
        classes.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_read_back_from_their_ranges() {
        for text in ["0-9", "0-4,6-9", "3", "1-2,7,250-255", "0-255"] {
            let classes: Classes = text.parse().unwrap();
            assert_eq!(classes.to_string(), text);
        }
        let classes: Classes = " 9, 3-4,0 - 3".parse().unwrap();
        assert_eq!((classes.to_string().as_str(), classes.len()), ("0-4,9", 6));
        for wrong in ["", "a", "3-1", "256", "-1", "1,,2", "0-9-12"] {
            assert!(wrong.parse::<Classes>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_class_that_does_not_occur_counts_in_the_one_hot_size_and_has_no_samples() {
        let classes = Classes::from_labels(&[9, 0, 1, 0, 4]);
        assert_eq!((classes.as_slice(), classes.one_hot_size()), (&[0, 1, 4, 9][..], 10));
        assert!(classes.contains(4) && !classes.contains(5));
        let cycle: Vec<u8> = (0..6).map(|i| classes.cyclic(i)).collect();
        assert_eq!(cycle, [0, 1, 4, 9, 0, 1]);
        let all = Classes::from_labels(&(0..=255).collect::<Vec<u8>>());
        assert_eq!((all.one_hot_size(), all.cyclic(511)), (256, 255));
        assert_eq!((Classes::default().one_hot_size(), Classes::default().cyclic(3)), (0, 0));
    }
}
