//! Programs that a command starts run no code of the current folder, which can be a stranger's.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::scene::{Scene, assert_contains, fails};

/// Writes a Python file into the current folder of the commands. The file `made` shows that it ran.
fn put_python(scene: &Scene, name: &str) {
    let path = scene.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("open({:?}, 'w')\n", scene.path("made"))).unwrap();
}

#[test]
fn python_imports_no_module_of_the_current_folder() {
    let scene = Scene::with_data();
    for name in ["pip/__init__.py", "pip/__main__.py", "csv.py", "email/__init__.py", "torch.py"] {
        put_python(&scene, name);
    }
    for variables in
        [&["PIP_NO_INDEX"][..], &["LIBTORCH_USE_PYTORCH"], &["PYTHONPATH", "PIP_NO_INDEX"]]
    {
        let mut fetch = scene.fetch(&[]);
        // The real Python, with a pip that may not use the network.
        fetch.env("PATH", env::var_os("PATH").unwrap());
        for variable in variables {
            fetch.env(variable, if *variable == "PYTHONPATH" { ":" } else { "1" });
        }
        let output = fetch.output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("torch"), "{text}");
        assert!(!scene.path("made").exists(), "{variables:?}: {text}");
    }
}

#[test]
fn programs_in_relative_folders_of_the_search_path_do_not_run() {
    let scene = Scene::new();
    fs::create_dir(scene.path("sub")).unwrap();
    for program in ["npm", "python3", "sub/npm", "sub/python3"] {
        let path = scene.path(program);
        fs::write(&path, format!("#!/bin/sh\n: > '{}'\n", scene.path("made").display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    scene.failing_program("npm", "npm error the right npm");
    scene.failing_program("python3", "ERROR: the right pip");
    let bin = scene.path("bin").display().to_string();
    for path in [format!(":{bin}"), format!(".:{bin}"), format!("sub::{bin}")] {
        let text = fails(scene.fetch(&[]).env("PATH", &path));
        assert_contains(&text, &["the right npm"]);
        let with_data = scene.xtask(&["fetch", "--data", "digits2"]);
        fs::create_dir_all(scene.path("digits2")).unwrap();
        put_data(&scene, "digits2");
        let text = fails({ with_data }.env("PATH", &path));
        assert_contains(&text, &["the right pip"]);
        assert!(!scene.path("made").exists(), "{path}");
    }
}

/// Copies the data set of a scene that has one.
fn put_data(scene: &Scene, name: &str) {
    let other = Scene::with_data();
    for file in fs::read_dir(other.path("digits")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), scene.path(name).join(file.file_name())).unwrap();
    }
}

#[test]
fn pip_and_npm_run_in_a_folder_of_their_own() {
    let scene = Scene::with_data();
    let script = format!(
        r#"pwd > '{0}/dir'; echo "$PYTHONSAFEPATH" > '{0}/safe'
[ ! -e package.json ] || : > '{0}/project'; exit 1"#,
        scene.path("").display()
    );
    scene.program("python3", &script);
    scene.program("npm", &script);
    let scratch = scene.path("workspace/libtorch.partial/scratch-");
    let ran_in_scratch = || {
        let dir = fs::read_to_string(scene.path("dir")).unwrap();
        assert!(dir.starts_with(scratch.to_str().unwrap()), "{dir}");
        fs::remove_file(scene.path("dir")).unwrap();
    };
    fails(&mut scene.fetch(&[]));
    ran_in_scratch();
    assert_eq!(fs::read_to_string(scene.path("safe")).unwrap(), "1\n");
    // With a package.json of its own, npm reads no .npmrc of a folder above.
    fails(&mut scene.xtask(&["fetch", "--data", "other"]));
    ran_in_scratch();
    assert!(scene.path("project").exists());
}
