//! The images of a run as sprites and pictures.

use mnist_io::Images;

use super::pictures::{Picture, sprite};
use super::run_data::RunData;
use super::script_data::Frames;
use crate::error::Result;
use crate::grid::square_columns;
use crate::number::thousands;
use crate::snapshot_choice::{evenly_spaced, representative};

/// Bytes for snapshots; if they take more, fewer are shown.
const MAX_SPRITE_BYTES: usize = 3 << 20;
/// The largest number of pairs in a picture.
const PAIRS: usize = 8;
/// The largest number of classes side by side.
const MAX_CLASSES_PER_ROW: usize = 16;

impl RunData {
    pub fn frames(&self) -> Result<Option<Frames>> {
        let Some((_, first)) = self.snapshots.first() else {
            return Ok(None);
        };
        let columns = square_columns(first.len()).min(8);
        let count = first.len().min(columns * columns);
        let mut most = self.snapshots.len();
        loop {
            let chosen = evenly_spaced(self.snapshots.len(), most);
            let chosen: Vec<_> = chosen.iter().filter_map(|i| self.snapshots.get(*i)).collect();
            let sprites: Vec<String> = chosen
                .iter()
                .map(|(_, images)| sprite(&images.first(count), columns))
                .collect::<Result<_>>()?;
            let bytes: usize = sprites.iter().map(String::len).sum();
            if bytes <= MAX_SPRITE_BYTES || most <= 8 {
                let steps = chosen.iter().map(|(step, _)| *step).collect();
                return Ok(Some(Frames { side: first.rows(), columns, count, steps, sprites }));
            }
            most = (most / 2).max(8);
        }
    }

    pub fn snapshot_pictures(&self) -> Result<Vec<Picture>> {
        let steps: Vec<u64> = self.snapshots.iter().map(|(step, _)| *step).collect();
        let chosen = representative(&steps);
        let chosen = chosen.into_iter().filter_map(|i| self.snapshots.get(i));
        chosen
            .map(|(step, images)| {
                let count = images.len().min(16);
                let images = images.first(count);
                let step = thousands(*step);
                let alt = format!("{count} generated images after {step} steps");
                Picture::grid(&images, square_columns(count), alt, format!("step {step}"))
            })
            .collect()
    }

    pub fn walk(&self) -> Result<Option<Picture>> {
        let alt = "Rows of generated images that change gradually from left to right";
        self.rows_picture(self.dir.image_rows(&self.dir.latent_walk_path(), None)?, alt)
    }

    pub fn digits(&self) -> Result<Option<Picture>> {
        let classes = self.config.conditional_classes();
        let path = self.dir.class_rows_path();
        let Some(rows) = self.dir.image_rows(&path, Some(classes.len()))? else {
            return Ok(None);
        };
        if classes.len() <= MAX_CLASSES_PER_ROW {
            let alt = format!("Rows of generated images of the {} {classes}", self.nouns());
            return self.rows_picture(Some(rows), &alt);
        }
        // One latent, in several rows.
        let Some(first) = rows.first() else { return Ok(None) };
        let alt = format!("Generated images of the {} {classes}", self.nouns());
        let columns = classes.len().div_ceil(classes.len().div_ceil(MAX_CLASSES_PER_ROW));
        Picture::grid(first, columns, alt, String::new()).map(Some)
    }

    /// What the picture of [`RunData::digits`] shows.
    pub fn digits_caption(&self) -> String {
        let classes = self.config.conditional_classes();
        match (self.config.shows_digits(), classes.len() <= MAX_CLASSES_PER_ROW) {
            (true, _) => "Each row is one set of random numbers, written as the digits 0 to 9. \
                          Good: each row keeps one handwriting."
                .to_owned(),
            (false, true) => format!(
                "Each row is one set of random numbers, shown as the classes {classes}. Good: each \
                 row keeps one style."
            ),
            (false, false) => format!(
                "One set of random numbers, shown as the classes {classes} in order. Good: all keep \
                 one style."
            ),
        }
    }

    /// What this run calls its classes.
    fn nouns(&self) -> &'static str {
        if self.config.shows_digits() { "digits" } else { "classes" }
    }

    pub fn rows_picture(&self, rows: Option<Vec<Images>>, alt: &str) -> Result<Option<Picture>> {
        let Some(rows) = rows else { return Ok(None) };
        let Some(first) = rows.first() else { return Ok(None) };
        let pixels: Vec<u8> = rows.iter().take(4).flat_map(Images::pixels).copied().collect();
        let images = Images::new(first.rows(), first.cols(), pixels)?;
        Picture::grid(&images, first.len(), alt.to_owned(), String::new()).map(Some)
    }

    pub fn game_pictures(&self, playable: bool, rows: Option<&[Images]>) -> Result<Vec<Picture>> {
        let Some([real, fake]) = rows.filter(|_| playable) else {
            return Ok(Vec::new());
        };
        let show = |images: &Images, what: &str| {
            let images = images.first(10);
            let alt = format!("{} {what} images", images.len());
            Picture::grid(&images, 10, alt, format!("{what} images"))
        };
        Ok(vec![show(real, "real")?, show(fake, "generated")?])
    }

    pub fn generated_pairs(&self) -> Result<Option<Picture>> {
        let (Some(nearest), Some((_, last))) = (self.dir.nearest()?, self.snapshots.last()) else {
            return Ok(None);
        };
        let alt = "Generated images, each above the training image that is most similar to it";
        pairs_picture(last, &nearest, alt, "generated above, nearest training image below")
    }

    pub fn real_pairs(&self) -> Result<Option<Picture>> {
        let rows = self.dir.image_rows(&self.dir.real_nearest_path(), None)?;
        let Some([real, nearest]) = rows.as_deref() else {
            return Ok(None);
        };
        let alt = "Real test images, each above the training image that is most similar to it";
        pairs_picture(real, nearest, alt, "real test image above, nearest training image below")
    }
}

fn pairs_picture(
    above: &Images,
    below: &Images,
    alt: &str,
    caption: &str,
) -> Result<Option<Picture>> {
    let count = PAIRS.min(above.len()).min(below.len());
    if count == 0 || (above.rows(), above.cols()) != (below.rows(), below.cols()) {
        return Ok(None);
    }
    let pixels = [above.first(count).pixels(), below.first(count).pixels()].concat();
    let images = Images::new(above.rows(), above.cols(), pixels)?;
    Picture::grid(&images, count, alt.to_owned(), caption.to_owned()).map(Some)
}
