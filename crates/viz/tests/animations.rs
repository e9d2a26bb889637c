//! Animated GIFs, decoded and compared with their frames.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use common::{gray_as_rgb, images, read_color_png, read_gif};
use embedded_graphics::pixelcolor::{Gray8, Rgb888};
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{PrimitiveStyle, Rectangle};
use gan_viz::{Canvas, ColorCanvas, Error, GridStyle, Timing, grid, write_gif};

fn frames(count: u32) -> Vec<Canvas> {
    let frame = |seed| grid(&images(3, 9, 7, seed), 2, &GridStyle::default()).unwrap();
    (0..count).map(frame).collect()
}

const TIMING: Timing = Timing { frame_centiseconds: 12, last_centiseconds: 250 };

#[test]
fn gif_has_every_gray_frame_exactly_and_its_delay() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.gif");
    for count in [1, 2, 5] {
        let frames = frames(count);
        write_gif(&path, &frames, TIMING).unwrap();
        let read = read_gif(&path);
        assert_eq!(read.len(), frames.len());
        for (i, (frame, canvas)) in read.iter().zip(&frames).enumerate() {
            let size = (frame.width, frame.height);
            assert_eq!(size, (canvas.width(), canvas.height()));
            let is_last = i + 1 == frames.len();
            assert_eq!(frame.delay, if is_last { 250 } else { 12 });
            assert!(frame.pixels == gray_as_rgb(canvas.pixels()), "frame {i}");
        }
    }
}

/// Frames of 7x5 pixels, each with a rectangle of another place and color.
fn color_frames(count: u8) -> Vec<ColorCanvas> {
    let frame = |i: u8| {
        let mut canvas = ColorCanvas::new(7, 5, [250, 240, 230]).unwrap();
        let style = PrimitiveStyle::with_fill(Rgb888::new(40 * i, 200, 9));
        let corner = Point::new(i32::from(i) - 1, 2);
        let rectangle = Rectangle::new(corner, Size::new(3, 9)).into_styled(style);
        rectangle.draw(&mut canvas).unwrap();
        canvas
    };
    (0..count).map(frame).collect()
}

#[test]
fn gif_has_every_colored_frame_exactly_if_the_colors_are_few() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.gif");
    let frames = color_frames(5);
    let corner = [0, 200, 9, 0, 200, 9, 250, 240, 230];
    assert_eq!(frames[0].pixels()[2 * 21..][..9], corner);
    write_gif(&path, &frames, TIMING).unwrap();
    let read = read_gif(&path);
    assert_eq!(read.len(), 5);
    for (frame, canvas) in read.iter().zip(&frames) {
        assert_eq!((frame.width, frame.height), (7, 5));
        assert!(frame.pixels == canvas.pixels());
    }
}

#[test]
fn colored_png_has_the_pixels_of_the_canvas() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/a.png");
    let canvas = &color_frames(2)[1];
    canvas.write_png(&path).unwrap();
    assert_eq!(read_color_png(&path), (7, 5, canvas.pixels().to_vec()));
}

#[test]
fn write_gif_rejects_no_frames_and_frames_of_different_sizes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    let odd = [Canvas::new(2, 3, 0).unwrap(), Canvas::new(3, 2, 0).unwrap()];
    let error = write_gif::<Gray8>(&path, &[], TIMING).unwrap_err();
    assert!(matches!(error, Error::Empty));
    let error = write_gif(&path, &odd, TIMING).unwrap_err();
    assert!(matches!(error, Error::SizesDiffer { first: (2, 3), other: (3, 2) }));
    assert!(!path.exists());
}

#[test]
fn write_gif_rejects_a_frame_wider_than_the_format() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.gif");
    let wide = [Canvas::new(65_536, 1, 0).unwrap()];
    let error = write_gif(&path, &wide, TIMING).unwrap_err();
    assert!(matches!(error, Error::TooLarge { width: 65_536, .. }));
    assert!(!path.exists());
}

#[test]
fn few_frames_are_slow_and_many_are_fast() {
    let frame = |count| Timing::for_frames(count).frame_centiseconds;
    assert_eq!([0, 1, 10, 64, 100, 1000].map(frame), [50, 50, 50, 12, 8, 6]);
    assert!(Timing::for_frames(1).last_centiseconds >= 200);
}
