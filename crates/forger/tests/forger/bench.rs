//! `forger bench`: its JSON and its errors.

use crate::{data, forger, refuses, succeeds};

#[test]
fn bench_prints_one_consistent_json_object() {
    let dir = tempfile::tempdir().unwrap();
    data(&dir.path().join("data"));
    let measure = |line: &str| -> serde_json::Value {
        let few = "--threads 1 --seconds 0.1 --precision f32";
        let printed = succeeds(&forger(dir.path(), &format!("bench {line} {few}")));
        assert_eq!(printed.lines().count(), 1, "{printed}");
        serde_json::from_str(&printed).unwrap()
    };
    let number = |of: &serde_json::Value, key: &str| of[key].as_f64().unwrap();

    let steps = measure("steps --preset golbin --batch 20 --data data");
    assert_eq!(
        (&steps["system"], &steps["precision"], &steps["batch"]),
        (&"golbin".into(), &"f32".into(), &20.into())
    );
    assert!(number(&steps, "steps") >= 3.0 && number(&steps, "warm_up_steps") >= 3.0);
    let ms = number(&steps, "ms_per_step");
    assert!(ms > 0.0);
    let rate = number(&steps, "images_per_second");
    assert!((rate * ms / 1e3 / 20.0 - 1.0).abs() < 1e-9, "{steps}");
    // The preset's batch is 100, and the operations are proportional to the batch.
    assert_eq!(number(&steps, "flops_per_step"), 374_784_000.0 / 5.0);
    if cfg!(target_os = "linux") {
        assert!(number(&steps, "peak_memory_bytes") > 10e6);
    }

    let sampling = measure("sampling --preset golbin");
    assert!(number(&sampling, "images_per_second") > 0.0);
    let peak = measure("peak");
    for key in ["convolution_forward", "convolution", "matrix_product"] {
        assert!(number(&peak, key) > 1e6, "{peak}");
    }
}

#[test]
fn bench_rejects_impossible_measurements() {
    let dir = tempfile::tempdir().unwrap();
    data(&dir.path().join("data"));
    for (line, hint) in [
        ("--preset gaussian --data data", "possible values: modern"),
        ("--preset golbin --data data --width 2", "only modern"),
        ("--preset modern --data data --width 0", "--width 0"),
        ("--preset golbin --data data --seconds=-1", "--seconds -1"),
        ("--preset golbin --data data --threads 0", "--threads 0"),
        ("--preset golbin --data data --batch 0", "batch = 0"),
        ("--preset golbin --data none", "--data none"),
    ] {
        refuses(&forger(dir.path(), &format!("bench steps {line}")), hint);
    }
    // Sampling has its own batch.
    let batch = forger(dir.path(), "bench sampling --preset golbin --batch 5");
    refuses(&batch, "'--batch'");
}
