//! Animated GIF and PNG, decoded and compared with what went in.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use std::fs::File;

use common::{images, read_color_png, read_png};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{PrimitiveStyle, Rectangle};
use gan_viz::{Canvas, ColorCanvas, Error, GridStyle, Timing, grid, write_apng, write_gif};

fn frames(count: u32) -> Vec<Canvas> {
    let frame = |seed| grid(&images(3, 9, 7, seed), 2, &GridStyle::default()).unwrap();
    (0..count).map(frame).collect()
}

const TIMING: Timing = Timing {
    frame: 12,
    last: 250,
};

#[test]
fn an_animated_png_holds_every_frame_and_its_delay() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.png");
    for count in [1, 2, 5] {
        let frames = frames(count);
        write_apng(&path, &frames, TIMING).unwrap();
        let (width, height, read) = read_png(&path);
        assert_eq!(
            (width as usize, height as usize),
            (frames[0].width(), frames[0].height())
        );
        assert_eq!(read.len(), frames.len());
        for (i, (pixels, delay)) in read.iter().enumerate() {
            assert!(pixels == frames[i].pixels(), "frame {i}");
            let hundredths = if i + 1 == frames.len() { 250 } else { 12 };
            assert_eq!(*delay, Some((hundredths, 100)));
        }
    }
}

#[test]
fn a_gif_holds_every_frame_to_the_nearest_of_32_grays_and_its_delay() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.gif");
    for count in [1, 2, 5] {
        let frames = frames(count);
        write_gif(&path, &frames, TIMING).unwrap();
        let mut options = gif::DecodeOptions::new();
        options.set_color_output(gif::ColorOutput::RGBA);
        let mut decoder = options.read_info(File::open(&path).unwrap()).unwrap();
        let mut read = 0;
        while let Some(frame) = decoder.read_next_frame().unwrap() {
            let canvas = &frames[read];
            read += 1;
            assert_eq!((frame.left, frame.top), (0, 0));
            let size = (usize::from(frame.width), usize::from(frame.height));
            assert_eq!(size, (canvas.width(), canvas.height()));
            assert_eq!(frame.delay, if read == frames.len() { 250 } else { 12 });
            for (rgba, gray) in frame.buffer.chunks(4).zip(canvas.pixels()) {
                // 32 grays lie 255/31 = 8.2 apart.
                assert!(rgba[0].abs_diff(*gray) <= 4);
                assert_eq!(rgba, [rgba[0], rgba[0], rgba[0], 255]);
            }
        }
        assert_eq!(read, frames.len());
        assert_eq!(decoder.repeat(), gif::Repeat::Infinite);
    }
}

#[test]
fn black_and_white_stay_so_in_a_gif() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.gif");
    let mut canvas = Canvas::new(2, 1, 0).unwrap();
    canvas.draw_image(&[255], 1, 1, 0, 1);
    write_gif(&path, &[canvas], TIMING).unwrap();
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(File::open(&path).unwrap()).unwrap();
    let frame = decoder.read_next_frame().unwrap().unwrap();
    assert_eq!(frame.buffer[..], [0, 0, 0, 255, 255, 255, 255, 255]);
}

/// Frames of 7x5 with a colored rectangle each, its place and color their own.
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
fn colored_frames_come_back_to_the_pixel_where_their_colors_are_few() {
    let dir = tempfile::tempdir().unwrap();
    let (gif, png) = (dir.path().join("a.gif"), dir.path().join("a.png"));
    let frames = color_frames(5);
    let corner = [0, 200, 9, 0, 200, 9, 250, 240, 230];
    assert_eq!(frames[0].pixels()[2 * 21..][..9], corner);
    write_gif(&gif, &frames, TIMING).unwrap();
    write_apng(&png, &frames, TIMING).unwrap();

    let (width, height, read) = read_color_png(&png);
    assert_eq!((width, height, read.len()), (7, 5, 5));
    for ((pixels, _), frame) in read.iter().zip(&frames) {
        assert!(pixels == frame.pixels());
    }
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(File::open(&gif).unwrap()).unwrap();
    for canvas in &frames {
        let frame = decoder.read_next_frame().unwrap().unwrap();
        let rgb: Vec<u8> = frame
            .buffer
            .chunks(4)
            .flat_map(|p| &p[..3])
            .copied()
            .collect();
        assert!(rgb == canvas.pixels());
    }
    assert!(decoder.read_next_frame().unwrap().is_none());
}

#[test]
fn a_colored_png_holds_the_canvas() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/a.png");
    let canvas = &color_frames(2)[1];
    canvas.write_png(&path).unwrap();
    let (width, height, frames) = read_color_png(&path);
    assert_eq!((width, height), (7, 5));
    assert!(frames == [(canvas.pixels().to_vec(), None)]);
}

#[test]
fn frames_must_exist_and_agree_in_size() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    let odd = [Canvas::new(2, 3, 0).unwrap(), Canvas::new(3, 2, 0).unwrap()];
    for write in [write_gif::<Canvas>, write_apng::<Canvas>] {
        assert!(matches!(write(&path, &[], TIMING), Err(Error::Empty)));
        let error = write(&path, &odd, TIMING).unwrap_err();
        assert!(matches!(
            error,
            Error::FramesDiffer {
                first: (2, 3),
                other: (3, 2)
            }
        ));
    }
    assert!(!path.exists());
}

#[test]
fn a_gif_wider_than_the_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.gif");
    let wide = [Canvas::new(65_536, 1, 0).unwrap()];
    let error = write_gif(&path, &wide, TIMING).unwrap_err();
    assert!(matches!(error, Error::TooLarge { width: 65_536, .. }));
    assert!(!path.exists());
}

#[test]
fn few_frames_pass_slowly_and_many_fast() {
    let frame = |count| Timing::for_frames(count).frame;
    assert_eq!([0, 1, 10, 64, 100, 1000].map(frame), [50, 50, 50, 12, 8, 6]);
    assert!(Timing::for_frames(1).last >= 200);
}
