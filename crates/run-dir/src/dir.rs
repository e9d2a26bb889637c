//! The directory itself: making one, opening one, and every path in it.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use mnist_io::Images;

use crate::{Config, Error, Result, write_atomic};

/// The link, beside the runs, that names the newest one.
const LATEST: &str = "latest";

/// A run directory that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDir {
    root: PathBuf,
}

impl RunDir {
    /// Makes `root`, new or empty, a run directory: its folders, the originals
    /// to compare with, where the run's data are images, and last its
    /// configuration, without which no folder is a run.
    ///
    /// # Errors
    /// [`Error::NotEmpty`] where something stands already; [`Error::Config`]
    /// where the configuration breaks a rule of its own; [`Error::Io`] or
    /// [`Error::Idx`] where it cannot be made or written. What was made until
    /// then is removed.
    pub fn create(root: &Path, config: &Config, originals: Option<&Images>) -> Result<RunDir> {
        let existed = root.exists();
        fs::create_dir_all(root).map_err(Error::io("create", root))?;
        let mut entries = fs::read_dir(root).map_err(Error::io("read", root))?;
        if entries.next().is_some() {
            return Err(Error::NotEmpty {
                path: root.to_owned(),
            });
        }
        let run = RunDir {
            root: root.to_owned(),
        };
        // Somebody else may make a run of it at this moment: the one who makes
        // this folder has it.
        let samples = run.samples_dir();
        fs::create_dir(&samples).map_err(|e| match e.kind() {
            ErrorKind::AlreadyExists => Error::NotEmpty {
                path: root.to_owned(),
            },
            _ => Error::io("create", &samples)(e),
        })?;
        match run.fill(config, originals) {
            Ok(()) => Ok(run),
            Err(error) => {
                run.remove(existed);
                Err(error)
            }
        }
    }

    /// Makes the next numbered folder under `runs`, `0001-NAME` at first, a run
    /// directory, and points `runs/latest` at it.
    ///
    /// # Errors
    /// As [`RunDir::create`].
    pub fn create_next(
        runs: &Path,
        name: &str,
        config: &Config,
        originals: Option<&Images>,
    ) -> Result<RunDir> {
        fs::create_dir_all(runs).map_err(Error::io("create", runs))?;
        let newest = fs::read_dir(runs)
            .map_err(Error::io("read", runs))?
            .filter_map(|e| e.ok()?.file_name().to_str().and_then(number_of))
            .max()
            .unwrap_or(0);
        // Another run may be made at the same moment: making the folder
        // itself, which only one can, decides who gets the number.
        let mut number = newest.saturating_add(1);
        let root = loop {
            let root = runs.join(format!("{number:04}-{name}"));
            match fs::create_dir(&root) {
                Ok(()) => break root,
                Err(e) if e.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(e) => return Err(Error::io("create", &root)(e)),
            }
        };
        let run = RunDir::create(&root, config, originals).inspect_err(|_| {
            let _ = fs::remove_dir(&root);
        })?;
        run.set_latest(runs).inspect_err(|_| run.remove(false))?;
        Ok(run)
    }

    fn fill(&self, config: &Config, originals: Option<&Images>) -> Result<()> {
        for folder in [self.checkpoints_dir(), self.figures_dir()] {
            fs::create_dir(&folder).map_err(Error::io("create", &folder))?;
        }
        if let Some(originals) = originals {
            originals.write_file(&self.originals_path())?;
        }
        let path = self.config_path();
        let wrong = |reason| Error::Config {
            path: path.clone(),
            reason,
        };
        config.check().map_err(wrong)?;
        let text = toml::to_string(config).map_err(|e| wrong(e.to_string()))?;
        write_atomic(&path, |w| w.write_all(text.as_bytes()))
    }

    /// Takes back what [`RunDir::create`] made, after an error that is the one
    /// to report.
    fn remove(&self, keep_folder: bool) {
        let _ = fs::remove_dir_all(&self.root);
        if keep_folder {
            let _ = fs::create_dir(&self.root);
        }
    }

    /// Opens an existing run directory; a link such as `runs/latest` is
    /// followed, so that [`RunDir::root`] names the run itself.
    ///
    /// # Errors
    /// [`Error::Io`] where there is no such folder, [`Error::NotARun`] where
    /// it holds no `config.toml`.
    pub fn open(root: &Path) -> Result<RunDir> {
        let root = match fs::read_link(root) {
            Ok(target) => root.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => root.to_owned(),
        };
        fs::read_dir(&root).map_err(Error::io("open", &root))?;
        let run = RunDir { root };
        if run.config_path().is_file() {
            Ok(run)
        } else {
            Err(Error::NotARun { path: run.root })
        }
    }

    #[cfg(test)]
    pub(crate) fn at(root: &Path) -> RunDir {
        RunDir {
            root: root.to_owned(),
        }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `config.toml`.
    pub fn config_path(&self) -> PathBuf {
        self.root.join("config.toml")
    }

    /// `originals.idx3`.
    pub fn originals_path(&self) -> PathBuf {
        self.root.join("originals.idx3")
    }

    /// `metrics.jsonl`.
    pub fn metrics_path(&self) -> PathBuf {
        self.root.join("metrics.jsonl")
    }

    /// `densities.jsonl`.
    pub fn densities_path(&self) -> PathBuf {
        self.root.join("densities.jsonl")
    }

    /// `quality.jsonl`.
    pub fn quality_path(&self) -> PathBuf {
        self.root.join("quality.jsonl")
    }

    /// Every file of rows, whether it is there or not.
    pub fn row_files(&self) -> [PathBuf; 3] {
        [
            self.metrics_path(),
            self.quality_path(),
            self.densities_path(),
        ]
    }

    /// `nearest.idx3`.
    pub fn nearest_path(&self) -> PathBuf {
        self.root.join("nearest.idx3")
    }

    /// `latent_walk.idx4`.
    pub fn walk_path(&self) -> PathBuf {
        self.root.join("latent_walk.idx4")
    }

    /// `digits.idx4`.
    pub fn digits_path(&self) -> PathBuf {
        self.root.join("digits.idx4")
    }

    /// `samples/`.
    pub fn samples_dir(&self) -> PathBuf {
        self.root.join("samples")
    }

    /// `samples/000300.idx3` for step 300.
    pub fn samples_path(&self, step: u64) -> PathBuf {
        self.samples_dir().join(format!("{step:06}.idx3"))
    }

    /// `checkpoints/`.
    pub fn checkpoints_dir(&self) -> PathBuf {
        self.root.join("checkpoints")
    }

    /// `checkpoints/000300` for step 300.
    pub fn checkpoint_path(&self, step: u64) -> PathBuf {
        self.checkpoints_dir().join(format!("{step:06}"))
    }

    /// `figures/`.
    pub fn figures_dir(&self) -> PathBuf {
        self.root.join("figures")
    }

    /// `figures/samples/`, each snapshot's own picture.
    pub fn pictures_dir(&self) -> PathBuf {
        self.figures_dir().join("samples")
    }

    /// `figures/samples/000300.png` for step 300.
    pub fn picture_path(&self, step: u64) -> PathBuf {
        self.pictures_dir().join(format!("{step:06}.png"))
    }

    /// Points `runs/latest` at this run, wherever it lies; one in `runs` by its
    /// name alone.
    ///
    /// # Errors
    /// [`Error::Io`] where the link cannot be made.
    pub fn set_latest(&self, runs: &Path) -> Result<()> {
        fs::create_dir_all(runs).map_err(Error::io("create", runs))?;
        let link = runs.join(LATEST);
        // Relative where it can be, so that `runs` can be moved.
        let target = match self.root.file_name() {
            Some(name) if lies_in(&self.root, runs) => PathBuf::from(name),
            _ => std::path::absolute(&self.root).map_err(Error::io("resolve", &self.root))?,
        };
        // A link cannot be replaced in one move, but one written aside can be
        // renamed over it.
        let aside = runs.join(format!(".{LATEST}-{}", std::process::id()));
        symlink(&target, &aside)
            .and_then(|()| fs::rename(&aside, &link))
            .map_err(|e| {
                let _ = fs::remove_file(&aside);
                Error::io("link", &link)(e)
            })
    }
}

/// Whether `path` is an entry of `dir`, however the two are spelled.
fn lies_in(path: &Path, dir: &Path) -> bool {
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return false,
    };
    match (parent.canonicalize(), dir.canonicalize()) {
        (Ok(parent), Ok(dir)) => parent == dir,
        _ => false,
    }
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn symlink(target: &Path, link: &Path) -> std::io::Result<()> {
    std::os::windows::fs::symlink_dir(target, link)
}

/// The number at the front of a run folder's name, `12` of `0012-modern`.
fn number_of(name: &str) -> Option<u64> {
    name.split_once('-')?.0.parse().ok()
}
