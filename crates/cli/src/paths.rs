//! The default folders and files of every command.

use std::path::{Path, PathBuf};

/// The environment variable that tells `forger` the folder of the workspace.
pub const ROOT_VARIABLE: &str = "FORGER_ROOT";

/// Resolves the paths of a command: a path that was given is used as it is; a
/// default lies in one root folder, whatever the current folder is.
#[derive(Debug, Clone, Default)]
pub struct Paths {
    root: PathBuf,
}

impl Paths {
    /// Defaults inside `root`.
    pub fn new(root: impl Into<PathBuf>) -> Paths {
        Paths { root: root.into() }
    }

    /// Defaults inside the folder that [`ROOT_VARIABLE`] names, or inside the
    /// current folder.
    pub fn from_env() -> Paths {
        Paths::new(std::env::var_os(ROOT_VARIABLE).unwrap_or_default())
    }

    /// The folder of the data set: `data/mnist`.
    pub fn data(&self, typed: Option<&Path>) -> PathBuf {
        self.resolve(typed, "data/mnist")
    }

    /// The default folder of the known data set `name`: `data/mnist`, `data/fashion-mnist`.
    pub fn dataset(&self, name: &str) -> PathBuf {
        self.root.join("data").join(name)
    }

    /// The folder where statistics of data sets are kept: `data/cache`.
    pub fn cache(&self, typed: Option<&Path>) -> PathBuf {
        self.resolve(typed, "data/cache")
    }

    /// The file of the network of the published FID: `data/inception.pt`.
    pub fn inception(&self, typed: Option<&Path>) -> PathBuf {
        self.resolve(typed, "data/inception.pt")
    }

    /// The folder of numbered runs: `runs`.
    pub fn runs(&self, typed: Option<&Path>) -> PathBuf {
        self.resolve(typed, "runs")
    }

    /// The folder of a run: `runs/latest`, a link to the newest one.
    pub fn run(&self, typed: Option<&Path>) -> PathBuf {
        self.resolve(typed, "runs/latest")
    }

    fn resolve(&self, typed: Option<&Path>, default: &str) -> PathBuf {
        typed.map_or_else(|| self.root.join(default), Path::to_owned)
    }
}
