//! A plotters backend that draws on a color canvas and needs no font files.

use std::convert::Infallible;

use embedded_graphics::mono_font::iso_8859_1::{FONT_7X14, FONT_8X13, FONT_10X20};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyle};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};

use crate::canvas::ColorCanvas;

/// Draws antialiased lines, and text in built-in fonts of about the requested
/// size.
pub struct CanvasBackend<'a>(pub &'a mut ColorCanvas);

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl DrawingBackend for CanvasBackend<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.0.width() as u32, self.0.height() as u32)
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
        self.0.blend((x, y), rgb(color), color.alpha);
        Ok(())
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        let (color, width) = (style.color(), f64::from(style.stroke_width()));
        // The mesh contains many transparent lines.
        if color.alpha > 0.0 {
            let path: Vec<BackendCoord> = path.into_iter().collect();
            self.0.stroke(&path, width, rgb(color), color.alpha);
        }
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Drawn {
        let (r, g, b) = style.color().rgb;
        let ink = MonoTextStyle::new(font(style.size()), Rgb888::new(r, g, b));
        let alignment = match style.anchor().h_pos {
            HPos::Left => Alignment::Left,
            HPos::Center => Alignment::Center,
            HPos::Right => Alignment::Right,
        };
        let baseline = match style.anchor().v_pos {
            VPos::Top => Baseline::Top,
            VPos::Center => Baseline::Middle,
            VPos::Bottom => Baseline::Bottom,
        };
        let mut position = TextStyle::with_alignment(alignment);
        position.baseline = baseline;
        let Ok(_) = Text::with_text_style(text, Point::new(x, y), ink, position).draw(self.0);
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let Size { width, height } = font(style.size()).character_size;
        let characters = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        Ok((width.saturating_mul(characters), height))
    }
}

fn rgb(color: BackendColor) -> [u8; 3] {
    color.rgb.into()
}

fn font(size: f64) -> &'static MonoFont<'static> {
    match size {
        ..15.0 => &FONT_7X14,
        ..18.0 => &FONT_8X13,
        _ => &FONT_10X20,
    }
}
