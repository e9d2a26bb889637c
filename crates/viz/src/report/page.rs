//! The templates, the style sheet and the scripts.

use askama::Template;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::chart::Chart;
use super::evaluation::{ClassShare, Headline, MetricRow};
use super::pictures::Picture;
use crate::error::{Error, Result};

/// The largest report, in bytes. If the networks do not fit, the page explains how to
/// export them.
pub const LARGEST: usize = 8 << 20;
/// The largest number of snapshots in the page.
pub const FRAMES: usize = 64;
pub const STYLE: &str = include_str!("../../report/style.css");
const NETWORKS: &str = include_str!("../../report/networks.js");
const REPORT: &str = include_str!("../../report/report.js");

/// `report.html`.
#[derive(Template)]
#[template(path = "report.html")]
pub struct Page {
    pub name: String,
    pub summary: String,
    pub state: String,
    /// How the run continues, if training stopped.
    pub resume: Option<String>,
    pub facts: Vec<(&'static str, String)>,
    /// The command that measures the run.
    pub evaluate: String,
    pub headlines: Vec<Headline>,
    pub next: Vec<(&'static str, String)>,
    pub numbers: bool,
    pub snapshots: Vec<Picture>,
    pub last_step: String,
    pub density: Vec<Chart>,
    pub moments: Vec<Vec<Chart>>,
    pub curves: Vec<Chart>,
    pub has_networks: bool,
    /// Why the networks are not in the page.
    pub no_networks: String,
    pub walk: Option<Picture>,
    pub digits: Option<Picture>,
    pub digits_caption: String,
    pub histogram: Option<Chart>,
    pub game: Vec<Picture>,
    pub generated_pairs: Option<Picture>,
    pub real_pairs: Option<Picture>,
    pub copies: String,
    pub quality: Vec<Chart>,
    pub quality_note: String,
    pub shares: Vec<ClassShare>,
    /// Whether the images are digits.
    pub shows_digits: bool,
    /// What the images are called: a digit, digits, a digit with its article.
    pub noun: &'static str,
    pub nouns: &'static str,
    pub one: &'static str,
    pub shares_note: String,
    pub metrics: Vec<MetricRow>,
    pub commands: Vec<(&'static str, String)>,
    pub config: String,
    pub versions: Vec<(String, String)>,
    /// JSON without `<`.
    pub data: String,
}

impl Page {
    fn policy(&self) -> String {
        policy(&[self.style(), self.networks(), self.script()])
    }

    fn style(&self) -> &'static str {
        STYLE
    }

    fn networks(&self) -> &'static str {
        NETWORKS
    }

    fn script(&self) -> &'static str {
        REPORT
    }
}

/// A content security policy that permits nothing but these inline texts (first the style,
/// then scripts) and pictures in the page.
pub fn policy(texts: &[&str]) -> String {
    let hash = |text: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
    let (style, scripts) =
        texts.split_first().map_or((String::new(), &[][..]), |(style, rest)| (hash(style), rest));
    let scripts: Vec<String> = scripts.iter().map(|text| hash(text)).collect();
    let scripts = if scripts.is_empty() { "'none'".to_owned() } else { scripts.join(" ") };
    format!(
        "default-src 'none'; img-src data: blob:; style-src {style}; script-src {scripts}; \
         base-uri 'none'; form-action 'none'"
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
