//! A run directory: creation, opening, and the path of every file in it.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
#[cfg(unix)]
use std::os::unix::fs::symlink;
#[cfg(windows)]
use std::os::windows::fs::symlink_dir as symlink;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use mnist_io::Images;

use crate::atomic::{is_temporary, parent_of};
use crate::config::RunConfig;
use crate::error::{Error, Result};

/// The link to the newest run, in the folder of runs.
const LATEST: &str = "latest";
/// The name of that link before it replaces the old one.
const TEMPORARY_LATEST: &str = ".latest";

/// Files and their SHA-256 in `checksums.jsonl`.
pub(crate) type RecordedHashes = HashSet<(String, String)>;

/// An existing run directory. Its files are opened relative to its folder.
#[derive(Debug, Clone)]
pub struct RunDir {
    root: PathBuf,
    dir: Arc<Dir>,
    recorded_hashes: Arc<Mutex<RecordedHashes>>,
}

impl RunDir {
    /// Creates a run in `root`, which is a new or an empty folder. A folder with
    /// only leftovers of a killed call counts as empty.
    ///
    /// Writes the folders, `real_images` (for runs on images) and the
    /// configuration. The configuration is written last, because a folder
    /// without it is not a run.
    ///
    /// # Errors
    /// [`Error::NotEmpty`], [`Error::Locked`] if another process creates a run
    /// there, [`Error::Invalid`] for an invalid configuration, [`Error::Io`] if
    /// something cannot be written. After an error the new files are removed.
    pub fn create(root: &Path, config: &RunConfig, real_images: Option<&Images>) -> Result<RunDir> {
        let existed = root.exists();
        fs::create_dir_all(root).map_err(Error::io("create", root))?;
        let run = RunDir::open_unchecked(root)?;
        run.check_empty()?;
        // Two processes may create a run here at once; the other may be done.
        let _lock = run.lock()?;
        run.check_empty()?;
        run.write_initial_files(config, real_images)
            .inspect_err(|_| run.remove_incomplete(existed))?;
        Ok(run)
    }

    /// Creates a run in the next numbered folder in `runs`, `0001-NAME` at
    /// first.
    ///
    /// # Errors
    /// Those of [`RunDir::create`].
    pub fn create_next(
        runs: &Path,
        name: &str,
        config: &RunConfig,
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
        let mut number = u64::from(newest) + 1;
        let root = loop {
            let root = runs.join(format!("{number:04}-{name}"));
            match fs::create_dir(&root) {
                Ok(()) => break root,
                Err(e) if e.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(e) => return Err(Error::io("create", &root)(e)),
            }
        };
        RunDir::create(&root, config, real_images).inspect_err(|_| {
            let _ = fs::remove_dir(&root);
        })
    }

    /// Refuses a folder with anything but leftovers of a killed [`RunDir::create`].
    fn check_empty(&self) -> Result<()> {
        let locked = self.open_file(&self.lock_path(), 0).is_ok();
        for (name, kind) in self.entries(&self.root)? {
            let path = self.root.join(&name);
            let ours = if self.folders().contains(&path) && kind.is_dir() {
                self.entries(&path)?.iter().all(|(name, _)| is_temporary(name))
            } else {
                let files = [self.lock_path(), self.real_images_path(), self.checksums_path()];
                is_temporary(&name) || locked && files.contains(&path)
            };
            if !ours {
                return Err(Error::NotEmpty(self.root.clone()));
            }
        }
        Ok(())
    }

    fn write_initial_files(&self, config: &RunConfig, real_images: Option<&Images>) -> Result<()> {
        self.remove_temporary_files()?;
        for folder in self.folders() {
            self.folder(&folder, true)?;
        }
        if let Some(images) = real_images {
            self.write_images(&self.real_images_path(), images)?;
        }
        let path = self.config_path();
        let text = config
            .figures
            .check()
            .and_then(|()| toml::to_string(config).map_err(|e| e.to_string()));
        let text = text.map_err(|reason| Error::Invalid { path: path.clone(), reason })?;
        self.save(&path, text.as_bytes())
    }

    /// Removes an incomplete run. Ignores errors, because the caller returns
    /// the first error.
    fn remove_incomplete(&self, keep_folder: bool) {
        for folder in self.folders() {
            let _ = folder.file_name().map(|name| self.dir.remove_dir(name));
        }
        for file in [self.real_images_path(), self.checksums_path(), self.lock_path()] {
            let _ = self.remove(&file);
        }
        if !keep_folder {
            let _ = fs::remove_dir(&self.root);
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
        let run = RunDir::open_unchecked(&root)?;
        if run.has_file(&run.config_path())? { Ok(run) } else { Err(Error::NotARun(run.root)) }
    }

    /// The run in the folder `root`, without reading its files.
    pub(crate) fn open_unchecked(root: &Path) -> Result<RunDir> {
        let dir = Dir::open_ambient_dir(root, ambient_authority()).map_err(Error::io("open", root));
        Ok(RunDir { root: root.to_owned(), dir: Arc::new(dir?), recorded_hashes: Arc::default() })
    }

    /// The handle of the folder.
    pub(crate) fn dir(&self) -> &Dir {
        &self.dir
    }

    /// The hashes that this process has read.
    pub(crate) fn recorded_hashes(&self) -> &Mutex<RecordedHashes> {
        &self.recorded_hashes
    }

    /// The folder of the run.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The name of the run's folder.
    pub fn name(&self) -> String {
        self.root.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The folders of a new run.
    pub(crate) fn folders(&self) -> [PathBuf; 3] {
        [self.snapshots_dir(), self.checkpoints_dir(), self.figures_dir()]
    }

    /// The paths of all row files. A file may be missing.
    pub fn row_files(&self) -> [PathBuf; 3] {
        [self.metrics_path(), self.quality_path(), self.densities_path()]
    }

    /// `samples/000300.idx3` for step 300.
    pub fn snapshot_path(&self, step: u64) -> PathBuf {
        self.snapshots_dir().join(format!("{step:06}.idx3"))
    }

    /// `checkpoints/000300.safetensors` for step 300.
    pub fn checkpoint_path(&self, step: u64) -> PathBuf {
        self.checkpoints_dir().join(format!("{step:06}.safetensors"))
    }

    /// `figures/samples/000300.png` for step 300.
    pub fn snapshot_figure_path(&self, step: u64) -> PathBuf {
        self.snapshot_figures_dir().join(format!("{step:06}.png"))
    }

    /// Links `runs/latest` to this run, if it is a folder in `runs`.
    ///
    /// # Errors
    /// [`Error::Io`] if the link cannot be created.
    pub fn set_latest(&self, runs: &Path) -> Result<()> {
        let Some(name) = self.root.file_name().filter(|_| is_entry_of(&self.root, runs)) else {
            return Ok(());
        };
        // A link cannot be overwritten, but another link can be renamed over it. All
        // processes use one name, so a killed process leaves at most one such link.
        let (link, temporary) = (runs.join(LATEST), runs.join(TEMPORARY_LATEST));
        let _ = fs::remove_file(&temporary);
        symlink(name, &temporary).and_then(|()| fs::rename(&temporary, &link)).map_err(|e| {
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
    checksums_path: "checksums.jsonl";
    real_images_path: "originals.idx3";
    metrics_path: "metrics.jsonl";
    densities_path: "densities.jsonl";
    quality_path: "quality.jsonl";
    nearest_path: "nearest.idx3";
    latent_walk_path: "latent_walk.idx4";
    class_rows_path: "digits.idx4";
    generator_graph_path: "generator.onnx";
    discriminator_graph_path: "discriminator.onnx";
    game_path: "game.idx4";
    real_nearest_path: "real_nearest.idx4";
    report_data_path: "report.json";
    report_path: "report.html";
    snapshots_dir: "samples";
    checkpoints_dir: "checkpoints";
    figures_dir: "figures";
    snapshot_figures_dir: "figures/samples";
    lock_path: "lock";
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
fn number_of(name: &str) -> Option<u32> {
    name.split_once('-')?.0.parse().ok()
}
