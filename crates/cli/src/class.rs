//! The options of `sample` and `walk` that choose a class.

use anyhow::Result;
use clap::Args;
use gan_config::Classes;

use crate::error::user_error;

/// Which class the images show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args)]
pub struct ClassArgs {
    /// Class to generate, a label of the training images; for conditional runs only
    /// [default: all in turn]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8))]
    pub class: Option<u8>,

    /// As --class, for a run on digits
    #[arg(long, value_name = "D", conflicts_with = "class",
        value_parser = clap::value_parser!(u8).range(0..=9))]
    pub digit: Option<u8>,
}

impl ClassArgs {
    /// The chosen class. `classes` are those of the run, `None` if it is not conditional.
    ///
    /// # Errors
    /// A class that the run of `preset` cannot generate, and what to do.
    pub fn choose(&self, preset: &str, classes: Option<&Classes>) -> Result<Option<u8>> {
        let (option, chosen) = match (self.class, self.digit) {
            (Some(class), _) => ("--class", class),
            (None, Some(digit)) => ("--digit", digit),
            (None, None) => return Ok(None),
        };
        let Some(classes) = classes else {
            return Err(user_error(
                format!("{option}: the generator of {preset} takes no class"),
                "train golbin-conditional, or modern with --conditional, to choose one",
            ));
        };
        if option == "--digit" && classes.one_hot_size() > Classes::digits().one_hot_size() {
            return Err(user_error(
                format!("--digit: the run has the classes {classes}, which are not the ten digits"),
                format!("write --class {chosen}"),
            ));
        }
        if !classes.contains(chosen) {
            return Err(user_error(
                format!("{option} {chosen}: the training images have no such class"),
                format!("choose one of {classes}"),
            ));
        }
        Ok(Some(chosen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{message, user_help};

    fn class(class: u8) -> ClassArgs {
        ClassArgs { class: Some(class), digit: None }
    }

    fn digit(digit: u8) -> ClassArgs {
        ClassArgs { class: None, digit: Some(digit) }
    }

    #[test]
    fn a_class_that_the_run_cannot_generate_is_refused_with_those_that_it_can() {
        let refused = |args: ClassArgs, classes: Option<&Classes>| {
            let error = args.choose("modern", classes).unwrap_err();
            format!("{}; {}", message(&error), user_help(&error).unwrap())
        };
        let digits: Classes = "0-4,6-9".parse().unwrap();
        let letters: Classes = "0-25".parse().unwrap();
        for (args, classes, words) in [
            (class(5), Some(&digits), "--class 5: the training images have no such class"),
            (class(5), Some(&digits), "choose one of 0-4,6-9"),
            (digit(5), Some(&digits), "--digit 5: the training images have no such class"),
            (class(26), Some(&letters), "choose one of 0-25"),
            (digit(3), Some(&letters), "write --class 3"),
            (digit(3), None, "--digit: the generator of modern takes no class; train golbin"),
            (class(3), None, "--class: the generator of modern takes no class; train golbin"),
        ] {
            let text = refused(args, classes);
            assert!(text.contains(words), "{text}");
        }
        assert_eq!(class(25).choose("modern", Some(&letters)).unwrap(), Some(25));
        assert_eq!(digit(9).choose("modern", Some(&digits)).unwrap(), Some(9));
        assert_eq!(ClassArgs::default().choose("modern", None).unwrap(), None);
    }
}
