//! The command that trains a run again.

use run_dir::RunConfig;

use crate::shell::shell_quoted;

/// The command that trains a run with this configuration again, as one line for a shell: preset,
/// data set, seed, length, arithmetic, and every setting that differs from the preset. `None` if
/// options of `train` cannot express the configuration, as for networks of another program.
pub fn train_command(config: &RunConfig) -> Option<String> {
    let preset = gan_config::preset(&config.preset).ok()?;
    let mut words = vec!["--preset".to_owned(), preset.name.clone()];
    let mut add = |option: &str, value: &str| words.extend([option, value].map(str::to_owned));
    if let Some(set) = &config.dataset {
        match set.name.as_str() {
            "custom" => add("--data", &set.path),
            name => add("--dataset", name),
        }
    }
    add("--seed", &config.seed.to_string());

    let settings = &config.settings;
    let mut base = preset.settings.clone();
    let steps = settings.schedule.steps(settings.batches());
    let batches = settings.schedule.batches_for_steps(steps)?;
    match config.seconds {
        Some(seconds) => add("--seconds", &seconds.to_string()),
        None if batches.checked_mul(settings.batch) == Some(settings.images) => {
            add("--steps", &steps.to_string());
            base.images = settings.images;
        }
        // A last batch that is not full: --set images=N below.
        None => {}
    }
    add("--precision", config.precision.into());
    add("--threads", &config.threads.to_string());
    add("--device", config.device.split(':').next().unwrap_or_default());
    for pair in settings.overrides_from(&base)? {
        add("--set", &pair);
    }
    if preset.networks != config.networks {
        let conditional = preset.networks(true).is_ok_and(|name| name == config.networks);
        words.push(conditional.then(|| "--conditional".to_owned())?);
    }
    let words: Vec<String> = words.iter().map(|word| shell_quoted(word)).collect();
    Some(format!("cargo xtask train {}", words.join(" ")))
}
