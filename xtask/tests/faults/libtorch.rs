//! libtorch, through pip or from the user.

use std::fs;

use crate::scene::{Scene, assert_says, fails, succeeds};

#[test]
fn without_python_the_error_says_how_to_get_it() {
    let scene = Scene::with_data();
    let text = fails(&mut scene.fetch(&[]));
    assert_says(&text, &["python3 was not found", "help: install Python 3"]);
    assert!(!scene.libtorch().exists());
}

#[test]
fn without_pip_the_error_says_how_to_get_it() {
    let scene = Scene::with_data();
    scene.says("python3", "/usr/bin/python3: No module named pip");
    let text = fails(&mut scene.fetch(&[]));
    assert_says(&text, &["has no pip", "help: install it"]);
}

#[test]
fn without_network_the_error_gives_pips_reason() {
    let scene = Scene::with_data();
    scene.says(
        "python3",
        r"WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f>: Failed to establish a new connection: [Errno 111] Connection refused')': /simple/torch/
ERROR: Could not find a version that satisfies the requirement torch==2.13.0 (from versions: none)
ERROR: No matching distribution found for torch==2.13.0",
    );
    let text = fails(&mut scene.fetch(&[]));
    assert_says(
        &text,
        &[
            "could not download torch 2.13.0: Failed to establish a new connection: [Errno 111] \
             Connection refused\n",
            "help: check the network",
        ],
    );
    assert!(!scene.libtorch().exists());
}

/// As pip 26.3 and 23.2 put it, behind a proxy that answers 403.
#[test]
fn a_proxy_that_refuses_is_named_as_the_reason() {
    for error in [
        "OSError('Tunnel connection failed: 403 Forbidden')",
        "ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 403 Forbidden'))",
    ] {
        let scene = Scene::with_data();
        scene.says(
            "python3",
            &format!(
                "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by \
                 '{error}': /simple/torch/\n\
                 ERROR: No matching distribution found for torch==2.13.0"
            ),
        );
        let text = fails(&mut scene.fetch(&[]));
        assert_says(
            &text,
            &[
                "torch 2.13.0: Tunnel connection failed: 403 Forbidden\n",
                "and proxy that",
            ],
        );
    }
}

/// As pip 26.3 and 23.2 put it, when the index closes the connection.
#[test]
fn a_download_that_breaks_off_is_called_that() {
    let newer = "  WARNING: Attempting to resume incomplete download (3.0 MB/10.0 MB, attempt 5)\n\
                 error: incomplete-download\n\n\
                 × Download failed after 6 attempts because not enough bytes were received (3.0 \
                 MB/10.0 MB)\n\
                 ╰─> URL: http://index/torch-2.13.0.whl\n\n\
                 note: This is an issue with network connectivity, not pip.\n\
                 hint: Use --resume-retries to configure resume attempt limit.";
    let older = "ERROR: Wheel 'torch' located at /t/pip-unpack-z/torch-2.13.0.whl is invalid.";
    for said in [newer, older] {
        let scene = Scene::with_data();
        scene.says("python3", said);
        let text = fails(&mut scene.fetch(&[]));
        assert_says(
            &text,
            &["torch 2.13.0: it broke off", "help: check the network"],
        );
        assert!(!scene.libtorch().exists());
    }
}

/// Only where the first wheel is the one that the script makes.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn a_wheel_with_another_hash_is_named_with_both_and_removed() {
    let scene = Scene::with_data();
    scene.program(
        "python3",
        r#"while [ "$1" != --dest ]; do shift; done
printf hello > "$2/torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl""#,
    );
    let text = fails(&mut scene.fetch(&[]));
    assert_says(
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
fn a_damaged_libtorch_is_told_and_fetched_again() {
    let scene = Scene::with_data();
    scene.put_libtorch();
    fs::remove_file(scene.libtorch().join("lib/libc10.so")).unwrap();
    let text = fails(&mut scene.fetch(&[]));
    assert_says(&text, &["lib/libc10.so is missing): fetching it again"]);
}

/// Only where there is one with CUDA to fetch.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn a_damaged_libtorch_with_cuda_does_not_become_one_without() {
    let scene = Scene::with_data();
    scene.put_build("cuda");
    let fetched = succeeds(&mut scene.fetch(&[]));
    assert_says(&fetched, &["libtorch  2.13.0 (cuda)"]);
    fs::remove_file(scene.libtorch().join("lib/libc10.so")).unwrap();
    let text = fails(&mut scene.fetch(&[]));
    assert_says(
        &text,
        &[
            "lib/libc10.so is missing): fetching it again",
            "fetching libtorch 2.13.0 (cuda, ",
        ],
    );
}

#[test]
fn a_libtorch_that_is_all_there_is_left_alone() {
    let scene = Scene::with_data();
    scene.put_libtorch();
    let text = succeeds(&mut scene.fetch(&[]));
    assert_says(
        &text,
        &["libtorch  2.13.0 (cpu)", "data      a data set of your own"],
    );
}

#[test]
fn the_users_own_libtorch_is_checked_and_used() {
    let scene = Scene::with_data();
    let own = scene.path("own");
    let fetch = |args: &[&str]| {
        let mut command = scene.fetch(args);
        command.env("LIBTORCH", &own);
        command
    };
    assert_says(
        &fails(&mut fetch(&[])),
        &["no folder lib", "unset LIBTORCH"],
    );
    fs::create_dir_all(own.join("lib")).unwrap();
    fs::create_dir_all(own.join("include")).unwrap();
    assert_says(
        &succeeds(&mut fetch(&[])),
        &["of unknown version", "LIBTORCH names it"],
    );
    fs::write(own.join("build-version"), "2.13.0+cpu\n").unwrap();
    assert_says(&succeeds(&mut fetch(&[])), &["libtorch  2.13.0+cpu in"]);
    assert_says(&fails(&mut fetch(&["--cuda"])), &["without CUDA"]);
    fs::write(own.join("build-version"), "2.12.1\n").unwrap();
    assert_says(&fails(&mut fetch(&[])), &["is libtorch 2.12.1, not 2.13.0"]);
    let text = fails(fetch(&[]).env("LIBTORCH", "own"));
    assert_says(&text, &["not an absolute path"]);
}

#[test]
fn what_the_user_put_where_libtorch_goes_is_not_touched() {
    let scene = Scene::with_data();
    fs::create_dir_all(scene.libtorch().join("lib")).unwrap();
    let text = fails(&mut scene.fetch(&[]));
    assert_says(&text, &["no folder include", "move ", "libtorch away"]);
    assert!(scene.libtorch().join("lib").exists());
}

#[test]
fn a_pytorch_of_the_right_version_is_used_and_another_refused() {
    let scene = Scene::with_data();
    let mut fetch = scene.fetch(&[]);
    fetch.env("LIBTORCH_USE_PYTORCH", "1");
    scene.program("python3", "echo 2.13.0+cu130; echo /none/torch");
    assert_says(&succeeds(&mut fetch), &["PyTorch 2.13.0+cu130"]);
    scene.program("python3", "echo 2.12.0; echo /none/torch");
    assert_says(
        &fails(&mut fetch),
        &["PyTorch 2.12.0, not 2.13.0", "torch==2.13.0"],
    );
    scene.program("python3", "exit 1");
    assert_says(&fails(&mut fetch), &["no package torch", "torch==2.13.0"]);
}

#[test]
fn a_pytorch_without_cuda_is_refused_where_cuda_is_asked_for() {
    let scene = Scene::with_data();
    let torch = scene.path("torch");
    fs::create_dir_all(torch.join("lib")).unwrap();
    let answer = format!("echo 2.13.0; echo '{}'", torch.display());
    scene.program("python3", &answer);
    let mut fetch = scene.fetch(&["--cuda"]);
    fetch.env("LIBTORCH_USE_PYTORCH", "1");
    assert_says(
        &fails(&mut fetch),
        &["PyTorch 2.13.0 is one without CUDA", "help: install one"],
    );
    fs::write(torch.join("lib/libtorch_cuda.so"), b"code").unwrap();
    assert_says(&succeeds(&mut fetch), &["PyTorch 2.13.0, because"]);
}
