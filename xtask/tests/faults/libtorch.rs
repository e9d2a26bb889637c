//! Faults of libtorch: pip, a damaged installation, and a libtorch of the user.

use std::fs;
use std::time::Duration;

use crate::scene::{Scene, assert_contains, fails, succeeds};

#[test]
fn the_error_without_python_has_a_remedy() {
    let scene = Scene::with_data();
    let text = fails(&mut scene.fetch(&[]));
    assert_contains(&text, &["python3 was not found", "help: install Python 3"]);
    assert!(!scene.libtorch().exists());
}

#[test]
fn the_error_without_pip_has_a_remedy() {
    let scene = Scene::with_data();
    scene.failing_program("python3", "/usr/bin/python3: No module named pip");
    let text = fails(&mut scene.fetch(&[]));
    assert_contains(&text, &["has no pip", "help: install it"]);
}

#[test]
fn the_error_without_network_names_pips_reason() {
    let scene = Scene::with_data();
    scene.failing_program(
        "python3",
        r"WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f>: Failed to establish a new connection: [Errno 111] Connection refused')': /simple/torch/
ERROR: Could not find a version that satisfies the requirement torch==2.13.0 (from versions: none)
ERROR: No matching distribution found for torch==2.13.0",
    );
    let text = fails(&mut scene.fetch(&[]));
    assert_contains(
        &text,
        &[
            "could not download torch 2.13.0: Failed to establish a new connection: [Errno 111] \
             Connection refused\n",
            "help: check the network",
        ],
    );
    assert!(!scene.libtorch().exists());
}

/// The messages of pip 26.3 and 23.2 with a proxy that answers 403.
#[test]
fn the_error_names_a_proxy_that_refuses() {
    for error in [
        "OSError('Tunnel connection failed: 403 Forbidden')",
        "ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 403 Forbidden'))",
    ] {
        let scene = Scene::with_data();
        scene.failing_program(
            "python3",
            &format!(
                "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by \
                 '{error}': /simple/torch/\n\
                 ERROR: No matching distribution found for torch==2.13.0"
            ),
        );
        let text = fails(&mut scene.fetch(&[]));
        assert_contains(
            &text,
            &["torch 2.13.0: Tunnel connection failed: 403 Forbidden\n", "and proxy in"],
        );
    }
}

/// The messages of pip 26.3 and 23.2 when the index closes the connection.
#[test]
fn the_error_names_an_incomplete_download() {
    let newer = "  WARNING: Attempting to resume incomplete download (3.0 MB/10.0 MB, attempt 5)\n\
                 error: incomplete-download\n\n\
                 × Download failed after 6 attempts because not enough bytes were received (3.0 \
                 MB/10.0 MB)\n\
                 ╰─> URL: http://index/torch-2.13.0.whl\n\n\
                 note: This is an issue with network connectivity, not pip.\n\
                 hint: Use --resume-retries to configure resume attempt limit.";
    let older = "ERROR: Wheel 'torch' located at /t/pip-unpack-z/torch-2.13.0.whl is invalid.";
    for messages in [newer, older] {
        let scene = Scene::with_data();
        scene.failing_program("python3", messages);
        let text = fails(&mut scene.fetch(&[]));
        assert_contains(
            &text,
            &["torch 2.13.0: the download is incomplete", "help: check the network"],
        );
        assert!(!scene.libtorch().exists());
    }
}

/// Only on the platform of the wheel that the script makes.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn a_wheel_with_the_wrong_hash_is_removed() {
    let scene = Scene::with_data();
    scene.program(
        "python3",
        r#"while [ "$1" != --dest ]; do shift; done
printf hello > "$2/torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl""#,
    );
    let text = fails(&mut scene.fetch(&[]));
    assert_contains(
        &text,
        &[
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
            "60fcdcb2f3876e21146cb4524ef06397d727ca9ad5f020818547e25075fe3cb7",
            "pip cache purge",
        ],
    );
    let wheels = scene.path("workspace/libtorch.partial/wheels");
    assert_eq!(fs::read_dir(wheels).unwrap().count(), 0);
    assert!(!scene.libtorch().exists());
}

#[test]
fn a_damaged_libtorch_is_reported_and_fetched_again() {
    let scene = Scene::with_data();
    scene.put_libtorch();
    fs::remove_file(scene.libtorch().join("lib/libc10.so")).unwrap();
    let text = fails(&mut scene.fetch(&[]));
    assert_contains(&text, &["lib/libc10.so is missing): fetching it again"]);
}

#[test]
fn one_flipped_bit_of_libtorch_is_reported_and_fetched_again() {
    let scene = Scene::with_data();
    scene.put_libtorch();
    succeeds(&mut scene.fetch(&[]));
    let library = scene.libtorch().join("lib/libc10.so");
    let written = fs::metadata(&library).unwrap().modified().unwrap();
    fs::write(&library, b"codd").unwrap();
    let set_time = |time| {
        fs::File::options().write(true).open(&library).unwrap().set_modified(time).unwrap();
    };
    set_time(written + Duration::from_secs(1));
    let damaged = ["the content of lib/libc10.so differs): fetching it again"];
    assert_contains(&fails(&mut scene.fetch(&[])), &damaged);
    // A fault of the disk does not change the time: `--verify` finds it.
    set_time(written);
    succeeds(&mut scene.fetch(&[]));
    assert_contains(&fails(&mut scene.fetch(&["--verify"])), &damaged);
    fs::write(&library, b"code").unwrap();
    succeeds(&mut scene.fetch(&["--verify"]));
}

/// Only on a platform with a CUDA build.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn a_damaged_cuda_build_is_replaced_by_a_cuda_build() {
    let scene = Scene::with_data();
    scene.put_build("cuda");
    let fetched = succeeds(&mut scene.fetch(&[]));
    assert_contains(&fetched, &["libtorch  2.13.0 (cuda)"]);
    fs::remove_file(scene.libtorch().join("lib/libc10.so")).unwrap();
    let text = fails(&mut scene.fetch(&[]));
    assert_contains(
        &text,
        &["lib/libc10.so is missing): fetching it again", "fetching libtorch 2.13.0 (cuda, "],
    );
}

#[test]
fn a_complete_libtorch_is_not_fetched_again() {
    let scene = Scene::with_data();
    scene.put_libtorch();
    let text = succeeds(&mut scene.fetch(&[]));
    assert_contains(&text, &["libtorch  2.13.0 (cpu)", "data      a data set of your own"]);
}

#[test]
fn a_libtorch_of_the_user_is_checked_and_used() {
    let scene = Scene::with_data();
    let own = scene.path("own");
    let fetch = |args: &[&str]| {
        let mut command = scene.fetch(args);
        command.env("LIBTORCH", &own);
        command
    };
    assert_contains(&fails(&mut fetch(&[])), &["no folder lib", "unset LIBTORCH"]);
    fs::create_dir_all(own.join("lib")).unwrap();
    fs::create_dir_all(own.join("include")).unwrap();
    assert_contains(&succeeds(&mut fetch(&[])), &["of unknown version", "LIBTORCH names it"]);
    fs::write(own.join("build-version"), "2.13.0+cpu\n").unwrap();
    assert_contains(&succeeds(&mut fetch(&[])), &["libtorch  2.13.0+cpu in"]);
    assert_contains(&fails(&mut fetch(&["--cuda"])), &["without CUDA"]);
    fs::write(own.join("build-version"), "2.12.1\n").unwrap();
    assert_contains(&fails(&mut fetch(&[])), &["is libtorch 2.12.1, not 2.13.0"]);
    let text = fails(fetch(&[]).env("LIBTORCH", "own"));
    assert_contains(&text, &["not an absolute path"]);
}

#[test]
fn a_folder_of_the_user_in_the_place_of_libtorch_is_not_changed() {
    let scene = Scene::with_data();
    fs::create_dir_all(scene.libtorch().join("lib")).unwrap();
    let text = fails(&mut scene.fetch(&[]));
    assert_contains(&text, &["no folder include", "move ", "libtorch away"]);
    assert!(scene.libtorch().join("lib").exists());
}

#[test]
fn only_a_pytorch_of_the_right_version_is_used() {
    let scene = Scene::with_data();
    let mut fetch = scene.fetch(&[]);
    fetch.env("LIBTORCH_USE_PYTORCH", "1");
    scene.program("python3", "echo 2.13.0+cu130; echo /none/torch");
    assert_contains(&succeeds(&mut fetch), &["PyTorch 2.13.0+cu130"]);
    scene.program("python3", "echo 2.12.0; echo /none/torch");
    assert_contains(&fails(&mut fetch), &["PyTorch 2.12.0, not 2.13.0", "torch==2.13.0"]);
    scene.program("python3", "exit 1");
    assert_contains(&fails(&mut fetch), &["no package torch", "torch==2.13.0"]);
}

#[test]
fn a_pytorch_without_cuda_is_refused_with_the_option_cuda() {
    let scene = Scene::with_data();
    let torch = scene.path("torch");
    fs::create_dir_all(torch.join("lib")).unwrap();
    let answer = format!("echo 2.13.0; echo '{}'", torch.display());
    scene.program("python3", &answer);
    let mut fetch = scene.fetch(&["--cuda"]);
    fetch.env("LIBTORCH_USE_PYTORCH", "1");
    assert_contains(
        &fails(&mut fetch),
        &["PyTorch 2.13.0 without CUDA", "help: install PyTorch with CUDA"],
    );
    fs::write(torch.join("lib/libtorch_cuda.so"), b"code").unwrap();
    assert_contains(&succeeds(&mut fetch), &["of PyTorch 2.13.0 for python3, because"]);
}
