//! Tables of a Markdown page, and how numbers stand in them.

use gan_viz::thousands;

/// A table with a head and rows of as many cells.
pub struct Table {
    text: String,
}

impl Table {
    /// A table of these columns: the first to the left, the others to the right.
    pub fn new(head: &[&str]) -> Table {
        let mut table = Table {
            text: String::new(),
        };
        table.row(head);
        let rule: Vec<&str> = (0..head.len())
            .map(|i| if i == 0 { "---" } else { "---:" })
            .collect();
        table.text.push_str(&format!("|{}|\n", rule.join("|")));
        table
    }

    /// One more row.
    pub fn row<S: AsRef<str>>(&mut self, cells: &[S]) {
        let cells: Vec<String> = cells
            .iter()
            .map(|cell| cell.as_ref().replace('|', "\\|"))
            .collect();
        self.text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }

    /// The table as text, a line each row.
    pub fn text(self) -> String {
        self.text
    }
}

/// A number with three digits that count, whole above 100, in groups of three.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let size = value.abs();
    if size >= 99.95 {
        let sign = if value < 0.0 { "-" } else { "" };
        return format!("{sign}{}", thousands(size.round() as u64));
    }
    let decimals = match size {
        s if s >= 9.995 => 1,
        s if s >= 0.9995 => 2,
        s if s >= 0.09995 => 3,
        _ => 4,
    };
    format!("{value:.decimals$}")
}

/// A share as a percentage.
pub fn percent(share: f64) -> String {
    if share.is_finite() {
        format!("{:.0}%", 100.0 * share)
    } else {
        "–".to_owned()
    }
}

/// Bytes as mebibytes, where they are known.
pub fn mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or("–".to_owned(), |bytes| {
        format!("{} MiB", thousands(bytes >> 20))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits_that_count() {
        for (value, told) in [
            (12_345.6, "12,346"),
            (100.4, "100"),
            (99.96, "100"),
            (99.94, "99.9"),
            (9.996, "10.0"),
            (9.994, "9.99"),
            (0.9996, "1.00"),
            (0.123_45, "0.123"),
            (0.012_34, "0.0123"),
            (-250.0, "-250"),
            (0.0, "0.0000"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(number(value), told);
        }
    }

    #[test]
    fn a_table_is_markdown() {
        let mut table = Table::new(&["system", "ms"]);
        table.row(&["a|b", "1.00"]);
        assert_eq!(
            table.text(),
            "| system | ms |\n|---|---:|\n| a\\|b | 1.00 |\n"
        );
    }
}
