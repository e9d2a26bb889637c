//! The list of metrics, which needs no libtorch.

use std::collections::BTreeSet;

use gan_metrics::{METRICS, Metric, UnknownMetric, help, names, parse_list};

fn parsed(list: &str) -> Result<Vec<&'static str>, UnknownMetric> {
    parse_list(list).map(|metrics| metrics.into_iter().map(Metric::name).collect())
}

#[test]
fn parses_names_in_any_order_and_case_once_each() {
    assert_eq!(parsed("recall, FID,precision").unwrap(), ["fid", "precision"]);
    let all: Vec<&str> = names().collect();
    let every: Vec<&str> = METRICS.iter().map(Metric::name).collect();
    assert_eq!(parsed(&all.join(",")).unwrap(), every);
}

#[test]
fn rejects_the_first_unknown_name_and_lists_all_names() {
    let unknown = parsed("fid,fud,x").unwrap_err();
    assert_eq!(unknown.name, "fud");
    let message = unknown.to_string();
    assert!(names().all(|name| message.contains(name)), "{message}");
    assert_eq!(parsed("").unwrap_err().name, "");
}

#[test]
fn names_and_titles_are_unique_and_every_value_is_explained() {
    let distinct = |all: Vec<&str>| all.iter().collect::<BTreeSet<_>>().len() == all.len();
    assert!(distinct(names().collect()));
    let values = || METRICS.iter().flat_map(|metric| metric.values);
    assert!(distinct(values().map(|value| value.name).collect()));
    assert!(distinct(values().map(|value| value.title).collect()));
    for value in values() {
        assert!(!value.explanation.is_empty(), "{value:?}");
        assert!(help().contains(value.explanation), "{value:?}");
        assert!(value.title.len() < 18, "{value:?} is too wide for the table");
    }
}
