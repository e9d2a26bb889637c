//! The table that `forger evaluate` prints: every number, its floor, and what
//! it says.

use std::fmt::Write;

use gan_trainer::evaluator::Quality;
use gan_viz::thousands;

/// `title` says whose forgeries they are, `against` where the originals lie;
/// `resized_from` are rows and columns that the forgeries had before.
pub fn table(
    title: &str,
    against: &str,
    resized_from: Option<(usize, usize)>,
    quality: &Quality,
) -> String {
    let mut text = format!(
        "{} forgeries of {title}\nagainst {} test images of {against}\n",
        thousands(quality.forgeries),
        thousands(quality.originals),
    );
    if let Some((rows, cols)) = resized_from {
        let _ = writeln!(text, "brought from {rows}x{cols} to 28x28 first");
    }
    let _ = writeln!(text, "\n{:<18}{:>11}{:>11}", "", "forgeries", "floor");
    for line in lines(quality) {
        let Line {
            name,
            found,
            floor,
            says,
        } = line;
        let floor = floor.unwrap_or_default();
        let _ = writeln!(text, "{name:<18}{found:>11}{floor:>11}\n    {says}");
    }
    text.push_str("\nfloor: what handwriting gets in the forgeries' place\n");
    text
}

struct Line {
    name: &'static str,
    found: String,
    floor: Option<String>,
    says: String,
}

/// One for each number that was measured.
fn lines(q: &Quality) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut line = |name, found: Option<String>, floor: Option<String>, says: String| {
        if let Some(found) = found {
            lines.push(Line {
                name,
                found,
                floor,
                says,
            });
        }
    };
    let two = |v: Option<f64>| v.map(|v| format!("{v:.2}"));
    let three = |v: Option<f64>| v.map(|v| format!("{v:.3}"));
    let percent = |v: Option<f64>| format!("{:.1}%", v.unwrap_or(0.0) * 100.0);
    line(
        "FID (classifier)",
        two(q.fid),
        two(q.fid_floor),
        "how far apart forgeries and test images lie in what the classifier sees: the less, the better"
            .into(),
    );
    line(
        "KID (classifier)",
        three(q.kid),
        three(q.kid_floor),
        format!(
            "the same by a measure that does not depend on how many there are; give or take {:.3}",
            q.kid_std.unwrap_or(0.0)
        ),
    );
    line(
        "precision",
        three(q.precision),
        three(q.precision_floor),
        format!(
            "{} of the forgeries lie where digits lie",
            percent(q.precision)
        ),
    );
    line(
        "recall",
        three(q.recall),
        three(q.recall_floor),
        format!(
            "{} of the test images lie where forgeries lie",
            percent(q.recall)
        ),
    );
    line(
        "density",
        three(q.density),
        three(q.density_floor),
        "how many test images lie around a forgery; one odd image misleads precision, but not this"
            .into(),
    );
    line(
        "coverage",
        three(q.coverage),
        three(q.coverage_floor),
        format!(
            "{} of the test images have a forgery nearby",
            percent(q.coverage)
        ),
    );
    line(
        "digits' KL",
        three(q.digits_kl),
        three(q.digits_kl_floor),
        q.digit_shares.map_or(String::new(), |shares| {
            let shares: Vec<String> = shares.iter().map(|s| format!("{:.1}", s * 100.0)).collect();
            format!(
                "the digits 0 to 9 come in shares of {} percent",
                shares.join(" ")
            )
        }),
    );
    line(
        "confidence",
        three(q.confidence),
        three(q.confidence_floor),
        format!(
            "the classifier is {} sure which digit it sees, in the mean",
            percent(q.confidence)
        ),
    );
    line(
        "asked digit",
        three(q.asked_digit),
        None,
        format!(
            "{} of the forgeries show the digit that was asked for",
            percent(q.asked_digit)
        ),
    );
    line("novelty C_T", two(q.c_t), two(q.c_t_null_mean), novelty(q));
    line(
        "near-duplicates",
        q.near_duplicates.map(|n| n.to_string()),
        q.near_duplicates_floor.map(|n| format!("{n:.0}")),
        format!(
            "{} of {} lie closer to a training image than the closest 0.1% of unseen test images",
            q.near_duplicates.unwrap_or(0),
            thousands(q.forgeries)
        ),
    );
    line(
        "Parzen",
        two(q.parzen),
        two(q.parzen_floor),
        format!(
            "log-likelihood of the test images in nats, give or take {:.1}; windows of {:.2}",
            q.parzen_error.unwrap_or(0.0),
            q.parzen_width.unwrap_or(0.0)
        ),
    );
    line(
        "FID (Inception)",
        two(q.inception_fid),
        two(q.inception_fid_floor),
        "the FID of published tables, where 10,000 of each are compared".into(),
    );
    lines
}

/// What C_T says, given what chance makes of it.
fn novelty(q: &Quality) -> String {
    let (Some(c_t), Some(mean), Some(std)) = (q.c_t, q.c_t_null_mean, q.c_t_null_std) else {
        return "what chance makes of it is not known: too few forgeries".to_owned();
    };
    match (c_t - mean) / std {
        z if z < -5.0 => {
            "closer to training images than new digits lie: copies, or only usual shapes"
        }
        z if z > 5.0 => {
            "farther from training images than new digits lie: no copies, some of them odd"
        }
        _ => "as far from training images as new digits lie",
    }
    .to_owned()
}
