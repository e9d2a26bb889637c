//! The directory itself: making one, opening one, and every path in it.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};

use mnist_io::Images;

use crate::{Config, Error, MetricsRow, Result, write_atomic};

/// The link, beside the runs, that names the newest one.
const LATEST: &str = "latest";

/// A run directory that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDir {
    root: PathBuf,
}

/// The fixed latents seen through G at one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Steps finished when it was taken.
    pub step: u64,
    /// The IDX file, u8 `[n, rows, cols]`.
    pub path: PathBuf,
}

impl RunDir {
    /// Makes `root`, new or empty, a run directory: its folders, the originals
    /// to compare with, and last its configuration, without which no folder is
    /// a run.
    ///
    /// # Errors
    /// [`Error::NotEmpty`] where something stands already; [`Error::Io`] or
    /// [`Error::Idx`] where it cannot be made or written. What was made until
    /// then is removed.
    pub fn create(root: &Path, config: &Config, originals: &Images) -> Result<RunDir> {
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
        originals: &Images,
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

    fn fill(&self, config: &Config, originals: &Images) -> Result<()> {
        for folder in [
            self.samples_dir(),
            self.checkpoints_dir(),
            self.figures_dir(),
        ] {
            fs::create_dir(&folder).map_err(Error::io("create", &folder))?;
        }
        originals.write_file(&self.originals_path())?;
        let path = self.config_path();
        let text = toml::to_string(config).map_err(|e| Error::Config {
            path: path.clone(),
            reason: e.to_string(),
        })?;
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

    /// Reads `config.toml`.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Config`].
    pub fn config(&self) -> Result<Config> {
        let path = self.config_path();
        let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        toml::from_str(&text).map_err(|e| Error::Config {
            path,
            reason: e.to_string(),
        })
    }

    /// Appends one row to `metrics.jsonl`.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be written.
    pub fn append_metrics(&self, row: &MetricsRow) -> Result<()> {
        let path = self.metrics_path();
        let mut line = serde_json::to_vec(row).map_err(|e| Error::Row {
            path: path.clone(),
            line: 0,
            reason: e.to_string(),
        })?;
        line.push(b'\n');
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(&line))
            .map_err(Error::io("write", &path))
    }

    /// Reads `metrics.jsonl`, oldest row first; no file means no rows yet.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Row`] with the line's number. A last line
    /// without its line end is a write cut short and is left out.
    pub fn metrics(&self) -> Result<Vec<MetricsRow>> {
        let path = self.metrics_path();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(Error::io("read", &path)(e)),
        };
        let mut reader = BufReader::new(file);
        let mut rows = Vec::new();
        let mut line = Vec::new();
        loop {
            line.clear();
            reader
                .read_until(b'\n', &mut line)
                .map_err(Error::io("read", &path))?;
            if line.pop() != Some(b'\n') {
                return Ok(rows);
            }
            rows.push(serde_json::from_slice(&line).map_err(|e| Error::Row {
                path: path.clone(),
                line: rows.len() + 1,
                reason: e.to_string(),
            })?);
        }
    }

    /// Writes the snapshot of `step`.
    ///
    /// # Errors
    /// Those of [`Images::write_file`].
    pub fn write_samples(&self, step: u64, samples: &Images) -> Result<()> {
        Ok(samples.write_file(&self.samples_path(step))?)
    }

    /// The snapshots there are, in the order of their steps.
    ///
    /// # Errors
    /// [`Error::Io`] where the folder cannot be read.
    pub fn snapshots(&self) -> Result<Vec<Snapshot>> {
        let steps = numbered(&self.samples_dir(), ".idx3")?;
        Ok(steps
            .into_iter()
            .map(|(step, path)| Snapshot { step, path })
            .collect())
    }

    /// The newest checkpoint's step and folder.
    ///
    /// # Errors
    /// [`Error::Io`] where the folder cannot be read.
    pub fn newest_checkpoint(&self) -> Result<Option<(u64, PathBuf)>> {
        Ok(numbered(&self.checkpoints_dir(), "")?.pop())
    }

    /// Points `runs/latest` at this run, wherever it lies.
    ///
    /// # Errors
    /// [`Error::Io`] where the link cannot be made.
    pub fn set_latest(&self, runs: &Path) -> Result<()> {
        fs::create_dir_all(runs).map_err(Error::io("create", runs))?;
        let link = runs.join(LATEST);
        // Relative where it can be, so that `runs` can be moved.
        let target = match self.root.file_name() {
            Some(name) if self.root.parent() == Some(runs) => PathBuf::from(name),
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

/// The entries of `dir` whose name is a number before `suffix`, by number.
fn numbered(dir: &Path, suffix: &str) -> Result<Vec<(u64, PathBuf)>> {
    let mut found: Vec<(u64, PathBuf)> = fs::read_dir(dir)
        .map_err(Error::io("read", dir))?
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name();
            let number = name.to_str()?.strip_suffix(suffix)?.parse().ok()?;
            Some((number, entry.path()))
        })
        .collect();
    found.sort();
    Ok(found)
}
