//! The option of `completions`, and the scripts that it prints.

use clap::{Args, CommandFactory};

use crate::Cli;

const EXAMPLES: &str = "\
The script completes the name `xtask`. Define it as a function, for example in ~/.bashrc or
~/.zshrc (after compinit):

  xtask() { cargo xtask \"$@\"; }
  source <(cargo xtask completions bash)     # zsh in ~/.zshrc

or in ~/.config/fish/config.fish:

  function xtask; cargo xtask $argv; end
  cargo xtask completions fish | source";

/// Print a script for shell completion
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CompletionsArgs {
    /// The shell that will run the script
    pub shell: clap_complete::Shell,
}

/// The script that completes the commands and options of `xtask` in a shell.
pub fn completions(shell: clap_complete::Shell) -> Vec<u8> {
    let mut script = Vec::new();
    let command = Cli::command().name("xtask").bin_name("xtask");
    clap_complete::generate(shell, &mut { command }, "xtask", &mut script);
    script
}
