//! Parses the command line. The error for an invalid command line has at most three lines and
//! suggests a valid one.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error, FromArgMatches};
use gan_config::{KEYS, presets};

use crate::output::{eprint_line, ignore_closed_pipe};

/// The arguments of this process as `C`, which `command` defines; or the exit code, after
/// help, a version or an error is printed.
pub fn parse<C: FromArgMatches>(command: Command) -> Result<C, ExitCode> {
    let error = match parse_from(command, std::env::args_os()) {
        Ok(parsed) => return Ok(parsed),
        Err(error) => error,
    };
    if error.use_stderr() {
        eprint_line(error.to_string().trim_end());
        return Err(ExitCode::from(2));
    }
    Err(match ignore_closed_pipe(error.print()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            crate::error::report(&error, None);
            ExitCode::FAILURE
        }
    })
}

/// As [`parse`] for other arguments; the first is the name of the program.
///
/// # Errors
/// Help, a version, or the reason why the arguments are refused in at most three lines.
pub fn parse_from<C: FromArgMatches>(
    command: Command,
    args: impl IntoIterator<Item = OsString>,
) -> Result<C, Error> {
    let args: Vec<OsString> = args.into_iter().collect();
    // The parsers of the options refuse negative numbers and say what is allowed.
    let mut command = command.mut_subcommands(|c| {
        c.mut_args(|arg| match arg.get_action().takes_values() {
            true => arg.allow_negative_numbers(true),
            false => arg,
        })
    });
    let parsed = command.try_get_matches_from_mut(&args).and_then(|m| C::from_arg_matches(&m));
    parsed.map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => error,
        kind => {
            let words: Vec<String> =
                args.iter().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
            Error::raw(kind, error_text(&error, &command, &words))
        }
    })
}

/// The message: what is wrong with `words`, what to write instead, and the command that helps.
fn error_text(error: &Error, command: &Command, words: &[String]) -> String {
    let text = error.to_string();
    let lines = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .filter(|line| !line.is_empty());
    let (tips, what): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.starts_with("tip:"));
    let what = what.join(" ");
    let typed = words.iter().find_map(|word| command.find_subcommand(word));
    let similar = tips.iter().find(|tip| tip.contains("similar"));
    let similar = similar.and_then(|tip| tip.strip_prefix("tip: ")).map(str::to_owned);
    let help = suggestion(error, typed, words).map(|line| format!("write {line}")).or(similar);
    let help = help.map_or(String::new(), |help| format!("\n  help: {help}"));
    let program = command.get_bin_name().unwrap_or(command.get_name());
    let of = typed.map_or(String::new(), |typed| format!(" {}", typed.get_name()));
    let list = if typed.is_some() { "options" } else { "commands" };
    let what = what.strip_prefix("error: ").unwrap_or(&what);
    format!("{what}{help}\n  `{program}{of} --help` lists the {list}\n")
}

/// Suggests a replacement for an unknown command or argument: the name of another program, or a
/// setting that was given as an option.
fn suggestion(error: &Error, typed: Option<&Command>, words: &[String]) -> Option<String> {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    if let Some(name) = context(ContextKind::InvalidSubcommand) {
        let (_, replacement) = COMMANDS.iter().find(|(other, _)| *other == name)?;
        return Some(format!("`{replacement}`"));
    }
    let unknown =
        context(ContextKind::InvalidArg).filter(|_| error.kind() == ErrorKind::UnknownArgument)?;
    let option = unknown.split('=').next().unwrap_or(unknown);
    let index = words.iter().position(|word| word.split('=').next() == Some(option))?;
    let inline = words[index].split_once('=').map(|(_, value)| value);
    let next = words.get(index + 1).map(String::as_str).filter(|next| !next.starts_with("--"));
    let value = inline.or(next).unwrap_or("VALUE");
    let has = |name: &str| typed?.get_arguments().find(|arg| arg.get_long() == Some(name));
    let setting = |name: &str| {
        let mut keys = KEYS.iter().map(|key| key.name);
        let found = keys.find(|key| *key == name || key.split('.').nth(1) == Some(name));
        found.filter(|_| has("set").is_some())
    };
    if !option.starts_with('-') {
        let before = |n: usize| index.checked_sub(n).and_then(|i| words.get(i)).map(String::as_str);
        return match inline {
            // `--set lr_d=1 lr_g=1`
            Some(value) => setting(option).map(|key| format!("`--set {key}={value}`")),
            // `--set lr_d 1`
            None if before(2) == Some("--set") => {
                Some(format!("`--set {}={option}`", before(1).and_then(setting)?))
            }
            None if has("preset").is_some() && presets().iter().any(|p| p.name == option) => {
                Some(format!("`--preset {option}`"))
            }
            None if Path::new(option).is_dir() => {
                let takes = if has("run").is_some() { "run" } else { "data" };
                has(takes).map(|_| format!("`--{takes} {option}`"))
            }
            None => None,
        };
    }
    let name = option.trim_start_matches('-').replace('-', "_");
    if ["lr", "learning_rate"].contains(&name.as_str()) && has("set").is_some() {
        return Some(format!("`--set lr_d={value} --set lr_g={value}`"));
    }
    let exists = |replacement: &str| {
        has(replacement.split_whitespace().next().unwrap_or(replacement)).is_some()
    };
    if let Some((_, replacement)) =
        OPTIONS.iter().find(|(other, replacement)| *other == name && exists(replacement))
    {
        return Some(format!("`--{replacement}`"));
    }
    setting(&name).map(|key| format!("`--set {key}={value}`"))
}

/// What other programs call a command.
const COMMANDS: [(&str, &str); 10] = [
    ("continue", "train --resume"),
    ("download", "fetch"),
    ("fid", "evaluate --metrics fid"),
    ("generate", "sample"),
    ("list", "train --list"),
    ("metrics", "evaluate"),
    ("plot", "figures"),
    ("presets", "train --list"),
    ("resume", "train --resume"),
    ("setup", "fetch"),
];

/// What other programs call an option, with underscores.
const OPTIONS: [(&str, &str); 23] = [
    ("batch_size", "batch N"),
    ("category", "class N"),
    ("cols", "grid RxC"),
    ("columns", "grid RxC"),
    ("cpu", "device cpu"),
    ("cuda", "device cuda"),
    ("dataroot", "data DIR"),
    ("dataset", "data DIR"),
    ("epochs", "steps N"),
    ("gpu", "device cuda"),
    ("iterations", "steps N"),
    ("iters", "steps N"),
    ("jobs", "threads N"),
    ("label", "class N"),
    ("model", "preset NAME"),
    ("n", "count N"),
    ("num", "count N"),
    ("outdir", "run DIR"),
    ("output", "out FILE"),
    ("size", "scale N"),
    ("time", "seconds S"),
    ("workers", "threads N"),
    ("zoom", "scale N"),
];
