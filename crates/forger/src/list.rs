//! `forger train --list`: the table of presets.

use gan_trainer::presets;

/// The presets, each in two lines of at most 100 columns.
pub fn table() -> String {
    let mut table = String::from(
        "preset             G parameters  D parameters  schedule                time on 2 cores, about\n",
    );
    for preset in presets::all() {
        let pair = preset.settings.network.build(None);
        let settings = &preset.settings;
        let steps = settings.schedule.steps(settings.batches());
        table.push_str(&format!(
            "{:<18} {:>12}  {:>12}  {:<22}  {}\n    {}; {}\n",
            preset.name,
            gan_viz::thousands(pair.generator.layout().numel().unsigned_abs()),
            gan_viz::thousands(pair.discriminator.layout().numel().unsigned_abs()),
            format!("{} x {}", gan_viz::thousands(steps), settings.batch),
            preset.takes,
            preset.summary,
            preset.source,
        ));
    }
    table.push_str(
        "\nschedule: steps x originals in each (the notebook's last 100 have twice as many);\ntime: an EPYC with bf16, see docs/systems.md; modern --conditional is as modern, with\n164,804 and 167,339 parameters\n",
    );
    table
}
