//! Files of a folder and members of an archive, with one interface.

use std::cell::RefCell;
use std::io::{Cursor, Read, Seek};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use mnist_io::{MAX_BYTES, open_regular, plain_reader};
use zip::ZipArchive;

use crate::error::{Problem, ProblemResult, Result};
use crate::format::Format;

/// Maximum number of files of a folder or an archive.
const MAX_FILES: usize = 1_000_000;

/// Levels of sub-folders: `train/class/file`, below one more folder.
const DEPTH: usize = 4;

/// A file, a member of an archive, or standard input.
#[derive(Clone)]
pub(crate) struct Entry {
    /// For messages: the whole path.
    pub name: String,
    /// Inside the source, with `/` between folders; empty for a source of one file.
    pub path: String,
    pub format: Format,
    place: Place,
}

#[derive(Clone)]
enum Place {
    File(PathBuf),
    Member(Rc<RefCell<Archive>>, usize),
    Memory(Rc<[u8]>),
}

type Archive = ZipArchive<Box<dyn ReadSeek>>;

trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

impl Entry {
    /// Calls `read` with the content, decompressed if it is gzip. `read` must read to the end of
    /// its data. The entry must end there too, because its checksum is compared at the end.
    pub fn read<T>(&self, read: impl FnOnce(&mut dyn Read) -> ProblemResult<T>) -> Result<T> {
        self.read_start(|reader| {
            let value = read(reader)?;
            match reader.read(&mut [0])? {
                0 => Ok(value),
                _ => Err(Problem::Archive("other bytes follow its data".to_owned())),
            }
        })
    }

    /// [`Entry::read`] without the check of the end.
    pub fn read_start<T>(&self, read: impl FnOnce(&mut dyn Read) -> ProblemResult<T>) -> Result<T> {
        let read = |reader: &mut dyn Read| read(&mut plain_reader(reader)?);
        match &self.place {
            Place::File(path) => read(&mut open_regular(path)?),
            Place::Memory(bytes) => read(&mut &bytes[..]),
            Place::Member(archive, index) => {
                let mut archive = archive.borrow_mut();
                let member = archive.by_index(*index);
                member.map_err(|e| Problem::Archive(e.to_string())).and_then(|mut m| read(&mut m))
            }
        }
        .map_err(|problem: Problem| problem.in_file(&self.name))
    }

    /// The parts of [`Entry::path`]: folders, and the file's name without endings.
    pub fn path_words(&self) -> Vec<&str> {
        let mut words: Vec<&str> = self.path.split('/').collect();
        if let Some(last) = words.last_mut() {
            *last = last.split('.').next().unwrap_or(last);
        }
        words
    }
}

/// The files of a known format in the folder, the archive or the file at `path`; `-` is
/// standard input. Sorted by path.
pub(crate) fn list(path: &Path) -> Result<Vec<Entry>> {
    let name = path.display().to_string();
    let mut list = List { entries: Vec::new(), others: Vec::new(), seen: 0 };
    if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        let mut stdin = std::io::stdin().lock().take(MAX_BYTES as u64 + 1);
        let read = stdin.read_to_end(&mut bytes);
        read.map_err(|e| Problem::Read(e).in_file("standard input"))?;
        if bytes.len() > MAX_BYTES {
            return Err(Problem::LongInput.in_file("standard input"));
        }
        list.file("standard input", "", Place::Memory(bytes.into()), None)?;
    } else if path.is_dir() {
        list.folder(path, &name, "", DEPTH)?;
    } else {
        list.file(&name, "", Place::File(path.to_owned()), None)?;
    }
    if list.entries.is_empty() {
        list.others.sort_unstable();
        list.others.truncate(3);
        return Err(Problem::NothingThere { found: list.others.join(", ") }.at(path));
    }
    list.entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(list.entries)
}

struct List {
    entries: Vec<Entry>,
    /// Names of files of other formats.
    others: Vec<String>,
    seen: usize,
}

impl List {
    /// Adds the files in the folder `dir`, whose path inside the source is `inside`.
    fn folder(&mut self, dir: &Path, root: &str, inside: &str, depth: usize) -> Result<()> {
        let failed = |e| Problem::Read(e).at(dir);
        for item in dir.read_dir().map_err(failed)? {
            let item = item.map_err(failed)?;
            self.count(root)?;
            let file_name = item.file_name();
            let Some(file_name) = file_name.to_str().filter(|name| !name.starts_with('.')) else {
                continue;
            };
            let (path, inside) = (item.path(), join(inside, file_name));
            // Follows links; their targets are only read.
            let Ok(info) = path.metadata() else { continue };
            if info.is_dir() && depth > 0 {
                self.folder(&path, root, &inside, depth - 1)?;
            } else if info.is_file() {
                match Format::from_name(file_name) {
                    Some(format) => {
                        let name = path.display().to_string();
                        self.file(&name, &inside, Place::File(path), Some(format))?;
                    }
                    None => self.others.push(inside),
                }
            }
        }
        Ok(())
    }

    /// Adds a file, or the members of an archive. A file without a `format` is recognized by
    /// its first bytes.
    fn file(&mut self, name: &str, path: &str, place: Place, format: Option<Format>) -> Result<()> {
        let mut entry = Entry {
            name: name.to_owned(),
            path: path.to_owned(),
            format: format.unwrap_or(Format::Zip),
            place,
        };
        if format.is_none() || entry.format == Format::Zip {
            entry.format = entry.read_start(|reader| {
                let mut start = Vec::new();
                reader.take(512).read_to_end(&mut start)?;
                Format::from_bytes(&start)
            })?;
        }
        if entry.format != Format::Zip {
            self.entries.push(entry);
            return Ok(());
        }
        let file: Box<dyn ReadSeek> = match entry.place {
            Place::File(path) => Box::new(std::io::BufReader::new(open_regular(&path)?)),
            Place::Memory(bytes) => Box::new(Cursor::new(bytes)),
            Place::Member(..) => return Ok(()),
        };
        self.members(name, path, file)
    }

    fn members(&mut self, name: &str, path: &str, file: Box<dyn ReadSeek>) -> Result<()> {
        let damaged = |e: zip::result::ZipError| Problem::Archive(e.to_string()).in_file(name);
        let archive = Rc::new(RefCell::new(ZipArchive::new(file).map_err(damaged)?));
        for index in 0..archive.borrow().len() {
            self.count(name)?;
            let member = match archive.borrow().name_for_index(index) {
                Some(member) => member.map_err(damaged)?.into_owned(),
                None => continue,
            };
            if member.ends_with("data.pkl") {
                return Err(Problem::OtherFormat { found: "a PyTorch file" }.in_file(name));
            }
            let hidden = member.split('/').any(|part| part.starts_with(['.', '_']));
            match Format::from_name(&member).filter(|&format| format != Format::Zip && !hidden) {
                Some(format) => self.entries.push(Entry {
                    name: format!("{name}/{}", printable(&member)),
                    path: join(path, &member),
                    format,
                    place: Place::Member(archive.clone(), index),
                }),
                None => self.others.push(printable(&member)),
            }
        }
        Ok(())
    }

    fn count(&mut self, root: &str) -> Result<()> {
        self.seen += 1;
        match self.seen > MAX_FILES {
            true => Err(Problem::TooManyFiles(MAX_FILES).in_file(root)),
            false => Ok(()),
        }
    }
}

/// The name without the characters that control a terminal.
fn printable(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(200).collect()
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
