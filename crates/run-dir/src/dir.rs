//! A run directory: creation, opening, and the path of every file in it.

use std::fs;
use std::io::{ErrorKind, Write};
#[cfg(unix)]
use std::os::unix::fs::symlink;
#[cfg(windows)]
use std::os::windows::fs::symlink_dir as symlink;
use std::path::{Path, PathBuf};

use mnist_io::Images;

use crate::atomic::{parent_of, write_atomic};
use crate::config::Config;
use crate::error::{Error, Result};

/// The link to the newest run, in the folder of runs.
const LATEST: &str = "latest";

/// An existing run directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDir {
    root: PathBuf,
}

impl RunDir {
    /// Creates a run in `root`, which is a new or an empty folder.
    ///
    /// Writes the folders, `real_images` (for runs on images) and the
    /// configuration. The configuration is written last, because a folder
    /// without it is not a run.
    ///
    /// # Errors
    /// [`Error::NotEmpty`], [`Error::Config`] for an invalid configuration,
    /// [`Error::Io`] or [`Error::Idx`] if something cannot be written. After an
    /// error the new files are removed.
    pub fn create(root: &Path, config: &Config, real_images: Option<&Images>) -> Result<RunDir> {
        let not_empty = || Error::NotEmpty(root.to_owned());
        let existed = root.exists();
        fs::create_dir_all(root).map_err(Error::io("create", root))?;
        let mut entries = fs::read_dir(root).map_err(Error::io("read", root))?;
        if entries.next().is_some() {
            return Err(not_empty());
        }
        let run = RunDir { root: root.to_owned() };
        // Two processes may create a run here at once. Only one of them can
        // create this folder.
        let samples = run.samples_dir();
        fs::create_dir(&samples).map_err(|e| match e.kind() {
            ErrorKind::AlreadyExists => not_empty(),
            _ => Error::io("create", &samples)(e),
        })?;
        run.fill(config, real_images).inspect_err(|_| run.remove(existed))?;
        Ok(run)
    }

    /// Creates a run in the next numbered folder in `runs`, `0001-NAME` at
    /// first, and links `runs/latest` to it.
    ///
    /// # Errors
    /// Those of [`RunDir::create`].
    pub fn create_next(
        runs: &Path,
        name: &str,
        config: &Config,
        real_images: Option<&Images>,
    ) -> Result<RunDir> {
        fs::create_dir_all(runs).map_err(Error::io("create", runs))?;
        let newest = fs::read_dir(runs)
            .map_err(Error::io("read", runs))?
            .filter_map(|e| e.ok()?.file_name().to_str().and_then(number_of))
            .max()
            .unwrap_or(0);
        // Two processes may choose the same number. Only one of them can
        // create the folder; the other takes the next number.
        let mut number = newest.saturating_add(1);
        let root = loop {
            let root = runs.join(format!("{number:04}-{name}"));
            match fs::create_dir(&root) {
                Ok(()) => break root,
                Err(e) if e.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(e) => return Err(Error::io("create", &root)(e)),
            }
        };
        let run = RunDir::create(&root, config, real_images).inspect_err(|_| {
            let _ = fs::remove_dir(&root);
        })?;
        run.set_latest(runs).inspect_err(|_| run.remove(false))?;
        Ok(run)
    }

    fn fill(&self, config: &Config, real_images: Option<&Images>) -> Result<()> {
        for folder in [self.checkpoints_dir(), self.figures_dir()] {
            fs::create_dir(&folder).map_err(Error::io("create", &folder))?;
        }
        if let Some(images) = real_images {
            images.write_file(&self.real_images_path())?;
        }
        let path = self.config_path();
        let text = config
            .figures
            .check()
            .and_then(|()| toml::to_string(config).map_err(|e| e.to_string()));
        let text = text.map_err(|reason| Error::Config { path: path.clone(), reason })?;
        write_atomic(&path, |w| w.write_all(text.as_bytes()))
    }

    /// Removes an incomplete run. Ignores errors, because the caller returns
    /// the first error.
    fn remove(&self, keep_folder: bool) {
        let _ = fs::remove_dir_all(&self.root);
        if keep_folder {
            let _ = fs::create_dir(&self.root);
        }
    }

    /// Opens an existing run. For a link such as `runs/latest`,
    /// [`RunDir::root`] is the target.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder does not exist, [`Error::NotARun`] if it has
    /// no `config.toml`.
    pub fn open(root: &Path) -> Result<RunDir> {
        let root = match fs::read_link(root) {
            Ok(target) => root.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => root.to_owned(),
        };
        fs::read_dir(&root).map_err(Error::io("open", &root))?;
        let run = RunDir { root };
        if run.config_path().is_file() { Ok(run) } else { Err(Error::NotARun(run.root)) }
    }

    /// The folder of the run.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The paths of all row files. A file may be missing.
    pub fn row_files(&self) -> [PathBuf; 3] {
        [self.metrics_path(), self.quality_path(), self.densities_path()]
    }

    /// `samples/000300.idx3` for step 300.
    pub fn samples_path(&self, step: u64) -> PathBuf {
        self.samples_dir().join(format!("{step:06}.idx3"))
    }

    /// `checkpoints/000300.safetensors` for step 300.
    pub fn checkpoint_path(&self, step: u64) -> PathBuf {
        self.checkpoints_dir().join(format!("{step:06}.safetensors"))
    }

    /// `figures/samples/000300.png` for step 300.
    pub fn picture_path(&self, step: u64) -> PathBuf {
        self.pictures_dir().join(format!("{step:06}.png"))
    }

    /// Links `runs/latest` to this run, which may be outside `runs`.
    ///
    /// # Errors
    /// [`Error::Io`] if the link cannot be created.
    pub fn set_latest(&self, runs: &Path) -> Result<()> {
        fs::create_dir_all(runs).map_err(Error::io("create", runs))?;
        let link = runs.join(LATEST);
        // A relative link stays valid when `runs` is moved.
        let target = match self.root.file_name() {
            Some(name) if is_entry_of(&self.root, runs) => PathBuf::from(name),
            _ => std::path::absolute(&self.root).map_err(Error::io("resolve", &self.root))?,
        };
        // A link cannot be overwritten, but another link can be renamed over it.
        let temporary = runs.join(format!(".{LATEST}-{}", std::process::id()));
        symlink(&target, &temporary).and_then(|()| fs::rename(&temporary, &link)).map_err(|e| {
            let _ = fs::remove_file(&temporary);
            Error::io("link", &link)(e)
        })
    }
}

macro_rules! paths {
    ($($name:ident: $file:literal;)*) => {
        impl RunDir {
            $(
                #[doc = concat!("`", $file, "`.")]
                pub fn $name(&self) -> PathBuf {
                    self.root.join($file)
                }
            )*
        }
    };
}

paths! {
    config_path: "config.toml";
    real_images_path: "originals.idx3";
    metrics_path: "metrics.jsonl";
    densities_path: "densities.jsonl";
    quality_path: "quality.jsonl";
    nearest_path: "nearest.idx3";
    walk_path: "latent_walk.idx4";
    digits_path: "digits.idx4";
    samples_dir: "samples";
    checkpoints_dir: "checkpoints";
    figures_dir: "figures";
    pictures_dir: "figures/samples";
}

/// Returns whether `path` is an entry of `dir`. Links and `..` are resolved.
fn is_entry_of(path: &Path, dir: &Path) -> bool {
    match (parent_of(path).canonicalize(), dir.canonicalize()) {
        (Ok(parent), Ok(dir)) => parent == dir,
        _ => false,
    }
}

/// Returns the number at the start of a run folder's name, `12` for
/// `0012-modern`.
fn number_of(name: &str) -> Option<u64> {
    name.split_once('-')?.0.parse().ok()
}

#[cfg(test)]
impl RunDir {
    /// A run in `root`, without a look at its files.
    pub(crate) fn at(root: &Path) -> RunDir {
        RunDir { root: root.to_owned() }
    }
}
