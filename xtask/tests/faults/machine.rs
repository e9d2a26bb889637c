//! Faults of the machine: full and read-only disks, killed commands, two commands at once.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::scene::{Scene, assert_contains, fails, succeeds};

#[test]
fn the_error_names_a_full_disk() {
    let scene = Scene::with_data();
    scene.failing_program(
        "python3",
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
    );
    let text = fails(&mut scene.fetch(&[]));
    assert_contains(&text, &["the disk is full", "help: free some space"]);

    // The messages of npm 11.19.
    let scene = Scene::new();
    scene.failing_program(
        "npm",
        "npm error code ENOSPC\nnpm error syscall write\nnpm error errno -28\n\
         npm error nospc ENOSPC: no space left on device, write",
    );
    let text = fails(&mut scene.fetch(&[]));
    assert_contains(&text, &["the disk is full", "help: free some space"]);
}

#[test]
fn the_error_names_a_folder_that_cannot_be_created() {
    let scene = Scene::new();
    fs::write(scene.path("file"), b"").unwrap();
    let text = fails(&mut scene.xtask(&["fetch", "--data", "file/digits"]));
    assert_contains(&text, &["cannot create file/digits"]);
}

/// Even root cannot create files in /sys.
#[cfg(target_os = "linux")]
#[test]
fn the_error_names_a_read_only_folder() {
    let scene = Scene::new();
    let text = fails(&mut scene.xtask(&["fetch", "--data", "/sys/digits"]));
    assert_contains(&text, &["cannot create /sys/digits", "help: make that folder writable"]);
    let scene = Scene::with_data();
    let text = fails(scene.fetch(&[]).env("CARGO_MANIFEST_DIR", "/sys/xtask"));
    assert_contains(&text, &["cannot lock /sys/", "help: make that folder writable"]);
}

#[test]
fn a_second_command_waits_for_the_first() {
    let scene = Scene::with_data();
    let lock = fs::File::create(scene.path("workspace/libtorch.lock")).unwrap();
    lock.lock().unwrap();
    let mut second = scene.fetch(&[]).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(second.stderr.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    assert!(line.starts_with("waiting for another command"), "{line}");
    // The first command finishes.
    scene.put_libtorch();
    drop(lock);
    let line = lines.next().unwrap().unwrap();
    assert!(line.starts_with("libtorch  2.13.0 (cpu)"), "{line}");
    assert!(second.wait().unwrap().success());
}

#[test]
fn a_killed_command_releases_its_lock_and_its_pip_damages_nothing() {
    let scene = Scene::with_data();
    // This pip continues after its command is killed, and ends when the file `go` exists.
    scene.program(
        "python3",
        r#"while [ "$1" != --dest ]; do shift; done
trap '' PIPE
cd "${0%/*}/.."
echo "$2" > scratch.new; /bin/mv scratch.new scratch
until [ -e go ]; do /bin/sleep 0.01; done
echo late > "$2/torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl"
echo $? > ended"#,
    );
    let mut first = scene.fetch(&[]).stderr(Stdio::null()).spawn().unwrap();
    let scratch = PathBuf::from(wait_for_line(&scene.path("scratch")).trim());
    assert!(scratch.starts_with(scene.path("workspace/libtorch.partial")));

    let mut second = scene.fetch(&[]).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(second.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.starts_with("waiting for another command"), "{line}");
    scene.failing_program("python3", "ERROR: the second pip");
    first.kill().unwrap();
    first.wait().unwrap();

    let mut text = String::new();
    stderr.read_to_string(&mut text).unwrap();
    assert_eq!(second.wait().unwrap().code(), Some(1));
    assert_contains(&text, &["could not download torch 2.13.0: the second pip"]);
    assert!(!scratch.exists() && !scene.libtorch().exists());

    fs::write(scene.path("go"), b"").unwrap();
    assert_ne!(wait_for_line(&scene.path("ended")), "0\n");
    let wheels = scene.path("workspace/libtorch.partial/wheels");
    assert_eq!(fs::read_dir(wheels).unwrap().count(), 0);
}

/// Waits until the file holds a line, and returns it.
fn wait_for_line(path: &Path) -> String {
    let start = Instant::now();
    loop {
        match fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text,
            _ => assert!(start.elapsed() < Duration::from_secs(10), "{}", path.display()),
        }
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn leftovers_of_killed_commands_are_removed_if_nothing_is_missing() {
    let scene = Scene::with_data();
    scene.put_libtorch();
    let staging = scene.path("workspace/libtorch.partial");
    fs::create_dir_all(staging.join("wheels")).unwrap();
    fs::create_dir_all(staging.join("scratch-1")).unwrap();
    // Another command holds the lock, so the leftovers stay.
    let lock = fs::File::create(scene.path("workspace/libtorch.lock")).unwrap();
    lock.lock().unwrap();
    succeeds(&mut scene.fetch(&[]));
    assert!(staging.exists());
    drop(lock);
    succeeds(&mut scene.fetch(&[]));
    assert!(!staging.exists());
}

#[test]
fn a_partial_file_of_a_killed_command_is_removed_by_the_next_fetch() {
    let scene = Scene::new();
    fs::write(scene.path("digits/.tmp-Xy12"), b"half").unwrap();
    fails(&mut scene.fetch(&[]));
    // After a failure, an empty folder is removed.
    assert!(!scene.path("digits").exists());
}

#[test]
fn no_shell_interprets_the_name_of_a_folder() {
    let scene = Scene::with_data();
    let name = "a b;touch made$(touch made)`touch made`&'\"*";
    fs::rename(scene.path("digits"), scene.path(name)).unwrap();
    scene.put_libtorch();
    let text = succeeds(&mut scene.xtask(&["fetch", "--data", name]));
    assert_contains(&text, &[name]);
    // npm runs in a folder below the workspace.
    scene.program("npm", "exit 1");
    let other = format!("{name}2");
    fails(&mut scene.xtask(&["fetch", "--data", &other]));
    assert!(!scene.path("made").exists() && !scene.path("workspace/made").exists());
}
