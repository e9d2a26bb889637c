//! The figures that a run can have, and their files.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::PathBuf;

use run_dir::RunDir;
use strum::VariantArray;

use crate::error::Result;

/// A drawn figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// The file, or the folder of several files.
    pub path: PathBuf,
    /// What it is.
    pub kind: FigureKind,
}

/// A figure that the folder of a run can have, the most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, VariantArray)]
pub enum FigureKind {
    /// Snapshots side by side.
    Progress,
    /// Snapshots as an animation.
    ProgressAnimation,
    /// Real images beside the last snapshot.
    RealVsFake,
    /// Densities of a run on numbers.
    Densities,
    /// Densities as an animation.
    DensitiesAnimation,
    /// Losses and D's classifications.
    Losses,
    /// FID, precision and recall.
    Quality,
    /// Samples beside their nearest training images.
    Nearest,
    /// Samples on lines between latents.
    LatentWalk,
    /// Latents as every digit.
    Digits,
    /// Latents as every class of other data.
    Classes,
    /// Real images.
    Real,
    /// One grid for each snapshot.
    Snapshots,
}

impl FigureKind {
    /// Every figure.
    pub const ALL: &'static [FigureKind] = FigureKind::VARIANTS;

    /// The file in `figures/`; for [`FigureKind::Snapshots`] the folder.
    pub fn file(self) -> &'static str {
        self.texts()[0]
    }

    /// What you see, in a phrase.
    pub fn shows(self) -> &'static str {
        self.texts()[1]
    }

    /// What good looks like, in a phrase.
    pub fn good(self) -> &'static str {
        self.texts()[2]
    }

    fn texts(self) -> [&'static str; 3] {
        match self {
            FigureKind::Progress => [
                "progress.png",
                "images of the same latents at six or seven steps",
                "noise becomes strokes, strokes become digits, and the digits differ",
            ],
            FigureKind::ProgressAnimation => [
                "progress.gif",
                "the same images during the whole training",
                "large changes at the start, small ones at the end",
            ],
            FigureKind::RealVsFake => [
                "originals_vs_forgeries.png",
                "real images on the left, generated ones on the right",
                "you cannot tell which side is real",
            ],
            FigureKind::Densities => [
                "densities.svg",
                "densities of real and generated numbers, D beside the best D",
                "the densities coincide, D is near 0.5 where numbers are, and the value is near −log 4",
            ],
            FigureKind::DensitiesAnimation => [
                "densities.gif",
                "the same during the whole training",
                "the density of the generated numbers moves onto that of the real ones",
            ],
            FigureKind::Losses => [
                "losses.svg",
                "losses, and the shares of images that D classifies as real",
                "no loss runs away, and neither share stays at 0% or at 100%",
            ],
            FigureKind::Quality => [
                "quality.svg",
                "FID, precision and recall over the steps",
                "FID falls toward its reference, and precision and recall both rise",
            ],
            FigureKind::Nearest => [
                "nearest.png",
                "generated and real images beside their nearest training images",
                "pairs look alike without being equal, as those of the real test images do",
            ],
            FigureKind::LatentWalk => [
                "latent_walk.png",
                "in each row, images on the way from one latent to another",
                "neighbors differ little, and each image is a digit",
            ],
            FigureKind::Digits => [
                "digits.png",
                "in each row, one latent as every digit",
                "each column shows its digit, and each row has one handwriting",
            ],
            FigureKind::Classes => [
                "classes.png",
                "in each row, one latent as every class",
                "each column shows its class, and each row has one style",
            ],
            FigureKind::Real => [
                "originals.png",
                "real images in the grid of a snapshot",
                "nothing to judge: generated images should look like these",
            ],
            FigureKind::Snapshots => [
                "samples/",
                "a grid of generated images for each snapshot",
                "later grids have clearer digits, and still as many different ones",
            ],
        }
    }
}

impl Figure {
    /// Writes a figure into the run's `figures/` with `write`.
    pub fn write(
        run: &RunDir,
        kind: FigureKind,
        write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
    ) -> Result<Figure> {
        let path = run.figures_dir().join(kind.file());
        run.write(&path, write)?;
        Ok(Figure { path, kind })
    }
}
