//! Formats numbers.

/// Formats a number with commas between groups of three digits: `10,000`.
pub fn thousands(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", thousands(number / 1000), number % 1000),
    }
}
