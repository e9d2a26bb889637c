//! Signals that the caller of this program chose to ignore.

/// Whether the signal of this number is ignored, as `nohup` does with SIGHUP and a shell does
/// with Ctrl-C for a job in the background. Such a signal must stay ignored.
///
/// Call this before a handler is installed. Works on Linux; returns `false`
/// elsewhere.
pub fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignores(&status, signal)
}

/// Whether `/proc/PID/status` has the bit of the signal in its mask `SigIgn`.
fn ignores(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    (1..=64).contains(&signal) && mask & (1 << (signal - 1)) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bit_of_the_mask_is_one_signal() {
        let status = "Name:\tforger\nSigIgn:\t0000000000001001\nSigCgt:\tffffffffffffffff\n";
        let ignored: Vec<i32> = (0..=65).filter(|&signal| ignores(status, signal)).collect();
        assert_eq!(ignored, [1, 13]);
        assert!(!ignores("", 1));
    }
}
