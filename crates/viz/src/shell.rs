//! Commands for users to copy.

/// The text as one word of a shell's command line, in quotes where it needs them.
pub fn shell_quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+=".contains(c);
    // Some shells expand a word that starts with an equals sign.
    if !text.is_empty() && !text.starts_with('=') && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
