//! The templates, the style sheet and the scripts.

use askama::Template;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::chart::Chart;
use super::pictures::Picture;
use super::run_data::RunData;
use super::state::State;
use crate::error::{Error, Result};

/// The largest size of a report. If the networks do not fit, the page explains how to
/// export them.
pub const MAX_PAGE_BYTES: usize = 8 << 20;
/// The largest number of snapshots in the page.
pub const MAX_REPORT_SNAPSHOTS: usize = 64;
pub const STYLE: &str = include_str!("../../report/style.css");
const NETWORKS: &str = include_str!("../../report/networks.js");
const REPORT: &str = include_str!("../../report/report.js");

/// `report.html`.
#[derive(Template)]
#[template(path = "report.html")]
pub struct Page<'a> {
    pub run: &'a RunData,
    pub snapshots: Vec<Picture>,
    pub density: Vec<Chart>,
    pub moments: Vec<Vec<Chart>>,
    /// Why the networks are not in the page; empty if they are.
    pub no_networks: &'static str,
    pub walk: Option<Picture>,
    pub digits: Option<Picture>,
    pub histogram: Option<Chart>,
    pub game: Vec<Picture>,
    pub generated_pairs: Option<Picture>,
    pub real_pairs: Option<Picture>,
    /// JSON without `<`.
    pub data: String,
}

impl Page<'_> {
    fn policy(&self) -> String {
        policy(STYLE, &[NETWORKS, REPORT])
    }
}

/// A content security policy that permits nothing but this style, these scripts and pictures
/// in the page.
pub fn policy(style: &str, scripts: &[&str]) -> String {
    let hash = |text: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
    let hashes: Vec<String> = scripts.iter().map(|script| hash(script)).collect();
    let scripts = if hashes.is_empty() { "'none'".to_owned() } else { hashes.join(" ") };
    format!(
        "default-src 'none'; img-src data: blob:; style-src {}; script-src {scripts}; \
         base-uri 'none'; form-action 'none'",
        hash(style)
    )
}

/// JSON for a `script` element: `<` cannot occur.
pub fn embedded_json(value: &impl serde::Serialize) -> serde_json::Result<String> {
    Ok(serde_json::to_string(value)?.replace('<', "\\u003c"))
}

/// The text of a page.
pub fn render(template: &impl Template) -> Result<String> {
    template.render().map_err(|error| Error::Page(error.to_string()))
}
