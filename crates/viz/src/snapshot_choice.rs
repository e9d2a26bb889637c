//! Chooses snapshots for figures that cannot show all of them.

use gan_config::SNAPSHOT_STEPS;

/// The smallest number of chosen snapshots, if there are as many.
const MIN_CHOSEN: usize = 6;

/// Returns indices into `steps` (ascending) for `progress.png`.
///
/// They are the first and the last, and the nearest to each of
/// [`SNAPSHOT_STEPS`] up to two thirds of the last step. If these are fewer than
/// six, the middles of the widest gaps are added. Ascending, without repeats, at
/// most seven.
pub fn representative(steps: &[u64]) -> Vec<usize> {
    let Some((end, last)) = steps.len().checked_sub(1).zip(steps.last()) else {
        return Vec::new();
    };
    let early = SNAPSHOT_STEPS.iter().filter(|step| **step <= last / 3 * 2);
    let mut chosen: Vec<usize> = early.map(|step| nearest(steps, *step)).collect();
    chosen.extend([0, end]);
    chosen.sort_unstable();
    chosen.dedup();
    while chosen.len() < MIN_CHOSEN.min(steps.len()) {
        let gaps = chosen.iter().zip(chosen.iter().skip(1));
        // Of equally wide gaps the earliest, because early training changes more.
        let Some((from, to)) = gaps.rev().max_by_key(|(from, to)| *to - *from) else {
            break;
        };
        chosen.push(usize::midpoint(*from, *to));
        chosen.sort_unstable();
    }
    chosen
}

/// Returns up to `most` (at least 2) evenly spaced indices below `count`,
/// including the first and the last.
pub fn evenly_spaced(count: usize, most: usize) -> Vec<usize> {
    let kept = count.min(most.max(2));
    let gaps = kept.saturating_sub(1).max(1);
    (0..kept).map(|i| i * (count - 1) / gaps).collect()
}

/// Index of the entry nearest to `step`, the earlier of two equally near ones.
fn nearest(steps: &[u64], step: u64) -> usize {
    let distances = steps.iter().map(|s| s.abs_diff(step)).enumerate();
    distances.min_by_key(|(_, distance)| *distance).map_or(0, |(i, _)| i)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(steps: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let steps: Vec<u64> = steps.into_iter().collect();
        representative(&steps).into_iter().map(|i| steps[i]).collect()
    }

    #[test]
    fn representative_snapshots_of_short_and_long_runs() {
        let ladder = [0, 10, 20, 50, 100, 200, 300, 500, 1000];
        let long = |last, every| ladder.into_iter().chain((2000..=last).step_by(every));
        assert!(shown([]).is_empty());
        assert_eq!(shown([7]), [7]);
        assert_eq!(shown([0, 50]), [0, 50]);
        assert_eq!(shown((0..=50).step_by(10)), [0, 10, 20, 30, 40, 50]);
        assert_eq!(shown(0..=50), [0, 10, 20, 27, 35, 50]);
        assert_eq!(shown((0..=600).step_by(100)), [0, 100, 200, 300, 400, 600]);
        assert_eq!(shown(ladder), [0, 10, 20, 100, 300, 1000]);
        assert_eq!(shown(long(9000, 1000)), [0, 20, 100, 300, 1000, 9000]);
        assert_eq!(shown(long(100_000, 1000)), [0, 20, 100, 300, 1000, 10_000, 100_000]);
        assert_eq!(shown((0..=20_000).step_by(1000)), [0, 1000, 5000, 10_000, 15_000, 20_000]);
        assert_eq!(shown([0, 300, u64::MAX]), [0, 300, u64::MAX]);
    }

    #[test]
    fn evenly_spaced_keeps_first_and_last_and_even_distances() {
        assert!(evenly_spaced(0, 100).is_empty());
        assert_eq!(evenly_spaced(1, 100), [0]);
        assert_eq!(evenly_spaced(5, 100), [0, 1, 2, 3, 4]);
        assert_eq!(evenly_spaced(9, 5), [0, 2, 4, 6, 8]);
        assert_eq!(evenly_spaced(10, 4), [0, 3, 6, 9]);
        for count in 2..400 {
            let kept = evenly_spaced(count, 100);
            assert_eq!(kept.len(), count.min(100));
            assert_eq!((kept[0], kept[kept.len() - 1]), (0, count - 1));
            let distances: Vec<usize> = kept.windows(2).map(|w| w[1] - w[0]).collect();
            let (least, most) = (distances.iter().min(), distances.iter().max());
            assert!(most.unwrap() - least.unwrap() <= 1);
        }
    }
}
