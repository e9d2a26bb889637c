//! The presets: a table of GANs, each with everything that defines it.

use std::sync::LazyLock;

use serde::Deserialize;
use toml::{Table, Value};

use crate::error::most_similar;
use crate::{Error, FigureLayout, KEYS, Result, Settings};

/// A GAN that can be trained by name.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// The name that `--preset` takes.
    pub name: String,
    /// One line for `--list`.
    pub summary: String,
    /// Where it comes from.
    pub source: String,
    /// Approximate time of the whole schedule on 2 cores with bf16.
    pub duration: String,
    /// Name of its networks in `gan-models`.
    pub networks: String,
    /// What `--conditional` means for it.
    pub conditional: Conditional,
    /// Parameters of G and of D.
    pub parameters: [u64; 2],
    /// Its real data are numbers drawn from N(4, 0.5²), not images.
    pub synthetic: bool,
    /// How its snapshots are shown.
    pub figures: FigureLayout,
    /// Its settings.
    pub settings: Settings,
}

/// What `--conditional` means for a preset.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conditional {
    /// It switches to the networks of this name.
    Networks(String),
    /// The preset is always conditional.
    Always,
    /// The preset of this name is the conditional form.
    Preset(String),
    /// The preset has no conditional form.
    Unsupported,
}

static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    #[allow(clippy::expect_used, reason = "the file is part of this crate, and tests read it")]
    parse(include_str!("../presets.toml")).expect("presets.toml")
});

/// Every preset, the default first.
pub fn presets() -> &'static [Preset] {
    &PRESETS
}

/// The preset of that name.
///
/// # Errors
/// [`Error::UnknownPreset`] with the most similar name.
pub fn preset(name: &str) -> Result<&'static Preset> {
    let names = || presets().iter().map(|preset| preset.name.as_str());
    let found = presets().iter().find(|preset| preset.name == name);
    found.ok_or_else(|| Error::UnknownPreset {
        name: name.to_owned(),
        most_similar: most_similar(name, names()),
        names: names().collect(),
    })
}

impl Preset {
    /// The name of the networks, or of the conditional networks.
    ///
    /// # Errors
    /// [`Error::NotConditional`] if the preset has no conditional networks.
    pub fn networks(&self, conditional: bool) -> Result<&str> {
        let reason = match &self.conditional {
            _ if !conditional => return Ok(&self.networks),
            Conditional::Networks(networks) => return Ok(networks),
            Conditional::Always => return Ok(&self.networks),
            Conditional::Preset(other) => format!(
                "the conditional form of {} has settings of its own; use --preset {other}",
                self.name
            ),
            Conditional::Unsupported => format!(
                "the networks of {} take no class; use modern or golbin-conditional",
                self.name
            ),
        };
        Err(Error::NotConditional(reason))
    }

    /// Steps in the preset's schedule.
    pub fn steps(&self) -> u64 {
        self.settings.schedule.steps(self.settings.batches())
    }
}

/// Reads `presets.toml`.
fn parse(text: &str) -> std::result::Result<Vec<Preset>, String> {
    #[derive(Deserialize)]
    struct File {
        settings: Settings,
        base: Table,
        preset: Vec<Table>,
    }
    let File { settings, base, preset } = toml::from_str(text).map_err(|e| e.to_string())?;
    let mut tables: Vec<Table> = Vec::new();
    for entry in preset {
        let extends = entry.get("extends").and_then(Value::as_str);
        let parent = extends.map_or(Ok(&base), |name| {
            let mut parents = tables.iter();
            let found = parents.find(|t| t.get("name").and_then(Value::as_str) == Some(name));
            found.ok_or_else(|| format!("{name} must stand before the preset that extends it"))
        })?;
        let mut table = parent.clone();
        merge(&mut table, entry);
        table.remove("extends");
        tables.push(table);
    }
    let build = |table| build(table, settings.clone());
    tables.into_iter().map(build).collect()
}

/// Merges `changes` into `table`, recursively.
fn merge(table: &mut Table, changes: Table) {
    for (key, value) in changes {
        match (table.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => merge(old, new),
            (_, value) => drop(table.insert(key, value)),
        }
    }
}

/// Builds a preset: applies the settings of `table` to the default `settings`.
fn build(mut table: Table, mut settings: Settings) -> std::result::Result<Preset, String> {
    let mut pairs = Vec::new();
    if let Some(changes) = table.remove("settings") {
        flatten("", changes, &mut pairs);
    }
    // Sort the pairs by the order of the keys, which lists `optimizer` before its constants.
    pairs.sort_by_key(|pair| {
        KEYS.iter().position(|key| pair.starts_with(&format!("{}=", key.name)))
    });
    for pair in pairs {
        settings.set(&pair).map_err(|e| e.to_string())?;
    }
    let settings = Value::try_from(settings).map_err(|e| e.to_string())?;
    table.insert("settings".to_owned(), settings);
    table.try_into().map_err(|e| e.to_string())
}

/// The values of a table as pairs such as `adam.beta1=0.5`.
fn flatten(key: &str, value: Value, pairs: &mut Vec<String>) {
    match value {
        Value::Table(table) => {
            for (name, value) in table {
                let dot = if key.is_empty() { "" } else { "." };
                flatten(&format!("{key}{dot}{name}"), value, pairs);
            }
        }
        value => pairs.push(format!("{key}={value}")),
    }
}
