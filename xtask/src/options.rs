//! Options of the trainer, as they were typed and before they reach it.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// Whether one of `flags` is among the options.
pub fn asks_for(options: &[OsString], flags: &[&str]) -> bool {
    options.iter().any(|o| flags.iter().any(|f| o == f))
}

/// Adds the option with a value, unless it is there.
pub fn set_unless_given(options: &mut Vec<OsString>, name: &str, value: PathBuf) {
    if value_of(options, name).is_none() {
        options.extend([name.into(), value.into()]);
    }
}

/// The value of an option, given as `--name value` or `--name=value`.
pub fn value_of(options: &[OsString], name: &str) -> Option<OsString> {
    options.iter().enumerate().find_map(|(i, option)| {
        if option == name {
            return options.get(i + 1).cloned();
        }
        let (key, value) = option.to_str()?.split_once('=')?;
        (key == name).then(|| OsStr::new(value).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &[&str]) -> Vec<OsString> {
        line.iter().map(OsString::from).collect()
    }

    #[test]
    fn a_value_is_found_in_both_spellings() {
        for line in [
            &["--seed", "1", "--data", "x"][..],
            &["--data=x", "--seed=1"],
        ] {
            assert_eq!(value_of(&options(line), "--data"), Some("x".into()));
        }
        assert_eq!(value_of(&options(&["--set", "data=x"]), "--data"), None);
        assert_eq!(value_of(&options(&["--data"]), "--data"), None);
    }
}
