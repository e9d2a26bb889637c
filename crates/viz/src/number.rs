//! Formats numbers.

/// Formats a number with commas between groups of three digits: `10,000`.
pub fn thousands(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", thousands(number / 1000), number % 1000),
    }
}

/// Formats a number with three significant digits, without zeros at the end: `0.25`.
pub fn significant_digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".to_owned() } else { "–".to_owned() };
    }
    let size = value.abs().log10().floor() as i32;
    if (0..6).contains(&size) && value.abs() >= 999.5 {
        let whole = thousands(value.abs().round() as u64);
        return if value < 0.0 { format!("−{whole}") } else { whole };
    }
    if !(-4..6).contains(&size) {
        return format!("{value:.1e}").replace(".0e", "e");
    }
    let text = format!("{:.*}", usize::try_from(2 - size).unwrap_or(0), value.abs());
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if value < 0.0 { format!("−{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_significant_digits() {
        let texts =
            [0.0, 1.0, 2.345, -0.0123, 12.0, 1234.0, 250.0, 0.5, 2e6].map(significant_digits);
        assert_eq!(texts, ["0", "1", "2.35", "−0.0123", "12", "1,234", "250", "0.5", "2e6"]);
    }
}
