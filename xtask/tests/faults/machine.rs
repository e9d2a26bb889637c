//! Disks that are full or read-only, calls that are killed, two at once.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::scene::{Scene, assert_says, fails, succeeds};

#[test]
fn a_full_disk_is_called_that() {
    let scene = Scene::with_data();
    scene.says(
        "python3",
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
    );
    let text = fails(&mut scene.fetch(&[]));
    assert_says(&text, &["the disk is full", "help: free some space"]);

    // npm 11.19.
    let scene = Scene::new();
    scene.says(
        "npm",
        "npm error code ENOSPC\nnpm error syscall write\nnpm error errno -28\n\
         npm error nospc ENOSPC: no space left on device, write",
    );
    let text = fails(&mut scene.fetch(&[]));
    assert_says(&text, &["the disk is full", "help: free some space"]);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let scene = Scene::new();
    fs::write(scene.path("file"), b"").unwrap();
    let text = fails(&mut scene.xtask(&["fetch", "--data", "file/digits"]));
    assert_says(&text, &["cannot create file/digits"]);
}

/// Nobody can make files in /sys, not even root.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_is_not_writable_is_named() {
    let scene = Scene::new();
    let text = fails(&mut scene.xtask(&["fetch", "--data", "/sys/digits"]));
    assert_says(
        &text,
        &[
            "cannot create /sys/digits",
            "help: make that folder writable",
        ],
    );
    let scene = Scene::with_data();
    let text = fails(scene.fetch(&[]).env("CARGO_MANIFEST_DIR", "/sys/xtask"));
    assert_says(
        &text,
        &["cannot lock /sys/", "help: make that folder writable"],
    );
}

#[test]
fn a_second_call_waits_for_the_first() {
    let scene = Scene::with_data();
    let lock = fs::File::create(scene.path("workspace/libtorch.lock")).unwrap();
    lock.lock().unwrap();
    let mut second = scene.fetch(&[]).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(second.stderr.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    assert!(line.starts_with("waiting for another call"), "{line}");
    // Meanwhile the first call finishes.
    scene.put_libtorch();
    drop(lock);
    let line = lines.next().unwrap().unwrap();
    assert!(line.starts_with("libtorch  2.13.0 (cpu)"), "{line}");
    assert!(second.wait().unwrap().success());
}

#[test]
fn the_turn_of_a_killed_call_is_free_and_its_pip_spoils_nothing() {
    let scene = Scene::with_data();
    // A pip that survives its killed caller, and ends when the test says so.
    scene.program(
        "python3",
        r#"while [ "$1" != --dest ]; do shift; done
trap '' PIPE
echo "$2" > desk.new; /bin/mv desk.new desk
until [ -e go ]; do /bin/sleep 0.01; done
echo late > "$2/torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl"
echo $? > ended"#,
    );
    let mut first = scene.fetch(&[]).stderr(Stdio::null()).spawn().unwrap();
    let desk = PathBuf::from(appears(&scene.path("desk")).trim());
    assert!(desk.starts_with(scene.path("workspace/libtorch.partial")));

    let mut second = scene.fetch(&[]).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(second.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.starts_with("waiting for another call"), "{line}");
    scene.says("python3", "ERROR: the second pip");
    first.kill().unwrap();
    first.wait().unwrap();

    let mut text = String::new();
    stderr.read_to_string(&mut text).unwrap();
    assert_eq!(second.wait().unwrap().code(), Some(1));
    assert_says(&text, &["could not download torch 2.13.0: the second pip"]);
    assert!(!desk.exists() && !scene.libtorch().exists());

    fs::write(scene.path("go"), b"").unwrap();
    assert_ne!(appears(&scene.path("ended")), "0\n");
    let wheels = scene.path("workspace/libtorch.partial/wheels");
    assert_eq!(fs::read_dir(wheels).unwrap().count(), 0);
}

/// What the file holds, once it is there.
fn appears(path: &Path) -> String {
    let start = Instant::now();
    loop {
        match fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text,
            _ => assert!(
                start.elapsed() < Duration::from_secs(10),
                "{}",
                path.display()
            ),
        }
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_killed_calls_left_goes_with_the_next_that_finds_all_there() {
    let scene = Scene::with_data();
    scene.put_libtorch();
    let staging = scene.path("workspace/libtorch.partial");
    fs::create_dir_all(staging.join("wheels")).unwrap();
    fs::create_dir_all(staging.join("desk-1")).unwrap();
    // Not while another call is at work.
    let lock = fs::File::create(scene.path("workspace/libtorch.lock")).unwrap();
    lock.lock().unwrap();
    succeeds(&mut scene.fetch(&[]));
    assert!(staging.exists());
    drop(lock);
    succeeds(&mut scene.fetch(&[]));
    assert!(!staging.exists());
}

#[test]
fn half_a_file_of_a_killed_call_goes_with_the_next_that_fetches() {
    let scene = Scene::new();
    fs::write(scene.path("digits/.tmp-Xy12"), b"half").unwrap();
    fails(&mut scene.fetch(&[]));
    // Empty, it is removed after a failure.
    assert!(!scene.path("digits").exists());
}

#[test]
fn the_name_of_a_folder_is_never_read_by_a_shell() {
    let scene = Scene::with_data();
    let name = "a b;touch made$(touch made)`touch made`&'\"*";
    fs::rename(scene.path("digits"), scene.path(name)).unwrap();
    scene.put_libtorch();
    let text = succeeds(&mut scene.xtask(&["fetch", "--data", name]));
    assert_says(&text, &[name]);
    // Through npm too, which runs in the folder that it fetches into.
    scene.program("npm", "exit 1");
    let other = format!("{name}2");
    fails(&mut scene.xtask(&["fetch", "--data", &other]));
    assert!(!scene.path("made").exists() && !scene.path("workspace/made").exists());
}
