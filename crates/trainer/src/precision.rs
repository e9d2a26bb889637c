//! The kinds that networks compute in, by their names in a run's configuration.

use tch::Kind;

const NAMES: [(&str, Kind); 2] = [("f32", Kind::Float), ("bf16", Kind::BFloat16)];

/// The kind of that name.
pub fn kind_named(name: &str) -> Option<Kind> {
    let found = NAMES.iter().find(|(known, _)| *known == name);
    found.map(|&(_, kind)| kind)
}

/// The name of a kind that networks can compute in.
pub fn name_of(kind: Kind) -> Option<&'static str> {
    let found = NAMES.iter().find(|(_, known)| *known == kind);
    found.map(|&(name, _)| name)
}
