//! Reads texts, lines and dots of an SVG.
#![allow(dead_code, reason = "each test file uses a part")]

use roxmltree::Document;

pub const GREEN: &str = "#009E73";
pub const PURPLE: &str = "#CC79A7";
pub const ORANGE: &str = "#E69F00";
pub const BLUE: &str = "#0072B2";

/// All texts in drawing order.
pub fn texts(svg: &str) -> Vec<String> {
    let document = Document::parse(svg).unwrap();
    assert_eq!(document.root_element().tag_name().name(), "svg");
    let texts = document.descendants().filter(|n| n.has_tag_name("text"));
    texts.map(|n| n.text().unwrap_or_default().trim().to_owned()).collect()
}

/// A line's points, from left to right.
pub type Points = Vec<(f64, f64)>;

/// The lines of this color, without those of the legend.
pub fn lines(svg: &str, color: &str) -> Vec<Points> {
    let document = Document::parse(svg).unwrap();
    let lines = document.descendants().filter(|n| n.has_tag_name("polyline"));
    let lines = lines.filter(|line| line.attribute("stroke") == Some(color));
    let points = lines.map(|line| {
        let points = line.attribute("points").unwrap().split_whitespace();
        points
            .map(|point| {
                let (x, y) = point.split_once(',').unwrap();
                (x.parse().unwrap(), y.parse().unwrap())
            })
            .collect()
    });
    points.filter(|points: &Points| points.len() != 2 || points[1].0 - points[0].0 > 28.0).collect()
}

/// The centers of the dots of this color.
pub fn dots(svg: &str, color: &str) -> Points {
    let document = Document::parse(svg).unwrap();
    let dots = document.descendants().filter(|n| n.has_tag_name("circle"));
    let dots = dots.filter(|dot| dot.attribute("fill") == Some(color));
    let number = |value: Option<&str>| value.unwrap().parse().unwrap();
    dots.map(|dot| (number(dot.attribute("cx")), number(dot.attribute("cy")))).collect()
}
