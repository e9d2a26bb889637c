//! All figures of a training run, drawn from its directory alone.

use std::io::Write;
use std::path::PathBuf;

use mnist_io::Images;
use run_dir::{RunDir, Snapshot, write_atomic};

use crate::moments::{moments, spread};
use crate::{
    Canvas, Error, GridStyle, Result, StripStyle, Timing, grid, losses, originals_vs_forgeries,
    square_columns, strip, write_apng, write_gif,
};

/// Width that a block of tiles is brought near to by its scale, in pixels.
const BLOCK_WIDTH: usize = 230;
/// The same for a grid that has a picture of its own.
const GRID_WIDTH: usize = 500;
/// Most frames of an animation.
const FRAMES: usize = 64;

/// A figure that was drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// The file, or the folder where it is a set of files.
    pub path: PathBuf,
    /// What it shows, as a phrase.
    pub shows: &'static str,
}

/// Draws every figure of a run into its `figures/`, those to open first first.
///
/// | file | shows |
/// |---|---|
/// | `progress.png` | the same latents at a few moments of training |
/// | `progress.gif`, `progress-animated.png` | the same latents, snapshot by snapshot |
/// | `originals_vs_forgeries.png` | originals beside the last snapshot |
/// | `losses.svg` | losses and D's verdicts; only where there are metrics |
/// | `samples/000300.png` | all images of the snapshot at step 300 |
///
/// # Errors
/// [`Error::NoSnapshots`] before the first snapshot; [`Error::Idx`],
/// [`Error::NoImages`] or [`Error::ShapesDiffer`] where a file of images does
/// not fit; [`Error::Run`] where metrics cannot be read or a figure not written.
pub fn draw_all(run: &RunDir) -> Result<Vec<Figure>> {
    let samples = Samples::of(run)?;
    let mut figures = vec![draw_strip(run, &samples)?];
    figures.extend(draw_animations(run, &samples)?);
    figures.push(draw_originals(run, &samples)?);
    figures.extend(draw_losses(run)?);
    for snapshot in &samples.snapshots {
        draw_samples(run, &samples, snapshot)?;
    }
    figures.push(Figure {
        path: run.figures_dir().join("samples"),
        shows: "each snapshot as a grid of its own",
    });
    Ok(figures)
}

/// Draws what is worth a look while a run trains: `progress.png`, `losses.svg`
/// and the newest snapshot's grid. Reads no more snapshots than it shows.
///
/// # Errors
/// As [`draw_all`].
pub fn draw_progress(run: &RunDir) -> Result<Vec<Figure>> {
    let samples = Samples::of(run)?;
    let mut figures = vec![draw_strip(run, &samples)?];
    figures.extend(draw_losses(run)?);
    figures.push(Figure {
        path: draw_samples(run, &samples, &samples.last)?,
        shows: "the newest snapshot",
    });
    Ok(figures)
}

/// A run's snapshots, of which there is at least one.
struct Samples {
    snapshots: Vec<Snapshot>,
    last: Snapshot,
    /// The last snapshot's images: what the others are checked against.
    last_images: Images,
}

impl Samples {
    fn of(run: &RunDir) -> Result<Samples> {
        let snapshots = run.snapshots()?;
        let Some(last) = snapshots.last().cloned() else {
            return Err(Error::NoSnapshots {
                path: run.samples_dir(),
            });
        };
        let last_images = read_images(last.path.clone())?;
        Ok(Samples {
            snapshots,
            last,
            last_images,
        })
    }

    fn read(&self, snapshot: &Snapshot) -> Result<Images> {
        let images = read_images(snapshot.path.clone())?;
        let shape = |i: &Images| (i.len(), i.rows(), i.cols());
        if shape(&images) == shape(&self.last_images) {
            Ok(images)
        } else {
            Err(self.differs(snapshot.path.clone(), &images))
        }
    }

    fn differs(&self, path: PathBuf, images: &Images) -> Error {
        let shape = |i: &Images| format!("{} images of {}x{}", i.len(), i.rows(), i.cols());
        Error::ShapesDiffer {
            path,
            found: shape(images),
            other: self.last.path.clone(),
            expected: shape(&self.last_images),
        }
    }

    /// The snapshots at these positions, each with its step as a label, all
    /// labels padded to one length.
    fn labeled(&self, positions: &[usize]) -> Result<Vec<(String, Images)>> {
        let longest = step_label(self.last.step).len();
        let shown = positions.iter().filter_map(|i| self.snapshots.get(*i));
        shown
            .map(|snapshot| {
                let label = format!("{:longest$}", step_label(snapshot.step));
                Ok((label, self.read(snapshot)?))
            })
            .collect()
    }

    /// A strip's style: blocks of at most `side` times `side` tiles, about
    /// `width` wide.
    fn style(&self, side: usize, width: usize) -> StripStyle {
        let columns = square_columns(self.last_images.len()).min(side);
        StripStyle {
            grid: GridStyle {
                scale: scale_for(self.last_images.cols(), columns, width),
                ..StripStyle::default().grid
            },
            columns,
            rows: side,
            ..StripStyle::default()
        }
    }
}

fn draw_strip(run: &RunDir, samples: &Samples) -> Result<Figure> {
    let steps: Vec<u64> = samples.snapshots.iter().map(|s| s.step).collect();
    let moments = samples.labeled(&moments(&steps))?;
    let blocks: Vec<(&str, &Images)> = moments.iter().map(|(l, i)| (l.as_str(), i)).collect();
    let path = run.figures_dir().join("progress.png");
    strip(&blocks, &samples.style(4, BLOCK_WIDTH))?.write_png(&path)?;
    Ok(Figure {
        path,
        shows: "the same latents as training goes on",
    })
}

fn draw_animations(run: &RunDir, samples: &Samples) -> Result<[Figure; 2]> {
    let moments = samples.labeled(&spread(samples.snapshots.len(), FRAMES))?;
    let style = samples.style(8, GRID_WIDTH);
    let frames: Vec<Canvas> = moments
        .iter()
        .map(|(label, images)| strip(&[(label, images)], &style))
        .collect::<Result<_>>()?;
    let timing = Timing::for_frames(frames.len());
    let gif = run.figures_dir().join("progress.gif");
    let png = run.figures_dir().join("progress-animated.png");
    write_gif(&gif, &frames, timing)?;
    write_apng(&png, &frames, timing)?;
    Ok([
        Figure {
            path: gif,
            shows: "training as an animation",
        },
        Figure {
            path: png,
            shows: "the same animation as a PNG, in all grays",
        },
    ])
}

fn draw_originals(run: &RunDir, samples: &Samples) -> Result<Figure> {
    let originals = read_images(run.originals_path())?;
    let forgeries = &samples.last_images;
    if (originals.rows(), originals.cols()) != (forgeries.rows(), forgeries.cols()) {
        return Err(samples.differs(run.originals_path(), &originals));
    }
    let title = format!("forgeries, {}", step_label(samples.last.step));
    let path = run.figures_dir().join("originals_vs_forgeries.png");
    originals_vs_forgeries(
        ("originals", &originals),
        (&title, forgeries),
        &samples.style(8, GRID_WIDTH),
    )?
    .write_png(&path)?;
    Ok(Figure {
        path,
        shows: "originals beside forgeries",
    })
}

fn draw_losses(run: &RunDir) -> Result<Option<Figure>> {
    let rows = run.metrics()?;
    if rows.is_empty() {
        return Ok(None);
    }
    let name = run.root().file_name().unwrap_or_default();
    let svg = losses(&rows, &name.to_string_lossy())?;
    let path = run.figures_dir().join("losses.svg");
    write_atomic(&path, |w| w.write_all(svg.as_bytes()))?;
    Ok(Some(Figure {
        path,
        shows: "the losses, and what D takes for original",
    }))
}

fn draw_samples(run: &RunDir, samples: &Samples, snapshot: &Snapshot) -> Result<PathBuf> {
    let images = samples.read(snapshot)?;
    let columns = square_columns(images.len());
    let style = GridStyle {
        scale: scale_for(images.cols(), columns, GRID_WIDTH),
        ..GridStyle::default()
    };
    let folder = run.figures_dir().join("samples");
    let path = folder.join(format!("{:06}.png", snapshot.step));
    grid(&images, columns, &style)?.write_png(&path)?;
    Ok(path)
}

fn read_images(path: PathBuf) -> Result<Images> {
    let images = Images::read_file(&path)?;
    if images.is_empty() {
        return Err(Error::NoImages { path });
    }
    Ok(images)
}

/// The scale at which `columns` tiles of `cols` pixels come nearest to `width`.
fn scale_for(cols: usize, columns: usize, width: usize) -> usize {
    let tiles = cols.saturating_mul(columns).max(1);
    (width + tiles / 2).div_euclid(tiles).clamp(1, 4)
}

fn step_label(step: u64) -> String {
    format!("step {}", thousands(step))
}

/// A number with its digits in groups of three: `10,000`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
