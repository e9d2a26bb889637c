//! The number of threads of a run follows the limits of its process.

use std::process::Command;

use crate::{data, succeeds};

/// The line `threads = …` of a short run of `modern`, started by `words`. `OMP_NUM_THREADS`
/// is `omp`, or not set.
fn threads(words: &[&str], omp: Option<&str>) -> String {
    let dir = tempfile::tempdir().unwrap();
    data(&dir.path().join("data"));
    let train = "train --data data --steps 1 --batch 8 --set evaluate_every=0";
    let mut words = words.iter().copied().chain([env!("CARGO_BIN_EXE_forger")]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).args(train.split_whitespace()).current_dir(dir.path());
    command.env_remove("OMP_NUM_THREADS").envs(omp.map(|omp| ("OMP_NUM_THREADS", omp)));
    succeeds(&command.output().unwrap());
    let config = std::fs::read_to_string(dir.path().join("runs/latest/config.toml")).unwrap();
    config.lines().find(|line| line.starts_with("threads")).unwrap().to_owned()
}

#[test]
fn a_run_has_one_thread_per_core_unless_omp_num_threads_sets_them() {
    let cores = std::thread::available_parallelism().unwrap();
    assert_eq!(threads(&[], None), format!("threads = {cores}"));
    assert_eq!(threads(&[], Some("3")), "threads = 3");
    assert_eq!(threads(&[], Some("none")), format!("threads = {cores}"));
}

#[test]
#[cfg(target_os = "linux")]
fn a_run_with_an_affinity_of_one_core_has_one_thread() {
    assert_eq!(threads(&["taskset", "-c", "0"], None), "threads = 1");
}
