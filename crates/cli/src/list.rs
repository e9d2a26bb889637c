//! The table of presets that `train --list` prints.

use gan_config::presets;
use indicatif::HumanCount;

/// Parameters of G and D of `modern --conditional`.
const CONDITIONAL_MODERN: [u64; 2] = [164_804, 167_339];

/// Every preset in two lines of at most 100 columns.
pub fn preset_table() -> String {
    let mut table = String::from(
        "preset             G parameters  D parameters  schedule                time on 2 cores, about\n",
    );
    for preset in presets() {
        let [generator, discriminator] = preset.parameters.map(|n| HumanCount(n).to_string());
        let schedule = format!("{} x {}", HumanCount(preset.steps()), preset.settings.batch);
        table.push_str(&format!(
            "{:<18} {generator:>12}  {discriminator:>12}  {schedule:<22}  {}\n  {}; {}\n",
            preset.name, preset.duration, preset.summary, preset.source,
        ));
    }
    let [generator, discriminator] = CONDITIONAL_MODERN.map(HumanCount);
    table.push_str(&format!(
        "\nschedule: steps x real images in each (oshea-notebook's last 100 steps have twice as many)\n\
         time: on an EPYC with bf16, see docs/systems.md\n\
         modern --conditional: as modern, with {generator} and {discriminator} parameters"
    ));
    table
}
