//! Images in one array or table: scanned once for their range, then converted.

use mnist_io::MAX_BYTES;

use mnist_io::Images;

use crate::csv::{self, Columns, VisitItem};
use crate::entry::Entry;
use crate::error::{Problem, ProblemResult, Result};
use crate::npy::Header;
use crate::options::{Options, Subset};
use crate::range::{Extremes, NumberKind, Range};
use crate::transform::{Collector, MAX_SIDE, Plane, check_size};

/// Images of one part of a source.
pub(crate) struct Loaded {
    pub images: Images,
    /// All labels of a part whose images and labels share a file.
    pub labels: Option<Vec<f64>>,
    /// The number of images in the part.
    pub total: usize,
    /// Format, type and range: `NumPy <f4, range [0,1] found`.
    pub format: String,
}

/// The channels of a color image.
const COLORS: usize = 3;

/// An entry with images as numbers.
pub(crate) struct Stack<'a> {
    entry: &'a Entry,
    table: Table,
    layout: PixelLayout,
}

enum Table {
    Npy(Header),
    Csv(Columns),
}

/// How the numbers of one image are arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PixelLayout {
    rows: usize,
    cols: usize,
    /// 1 or 3.
    channels: usize,
    channels_first: bool,
}

impl PixelLayout {
    /// The layout of images of that shape.
    pub fn from_shape(shape: &[usize]) -> ProblemResult<PixelLayout> {
        let not_images = || Problem::NotImages(shape.to_vec());
        let (rows, cols, channels, channels_first) = match *shape {
            [_, pixels] => {
                let side = csv::side(pixels).ok_or_else(not_images)?;
                (side, side, 1, true)
            }
            [_, rows, cols] | [_, 1, rows, cols] => (rows, cols, 1, true),
            [_, rows, cols, channels @ (1 | COLORS)] => (rows, cols, channels, false),
            [_, COLORS, rows, cols] => (rows, cols, COLORS, true),
            _ => return Err(not_images()),
        };
        if rows == 0 || cols == 0 {
            return Err(not_images());
        }
        let too_large = || Problem::TooLarge { shape: shape.to_vec() };
        if rows.max(cols) > MAX_SIDE {
            return Err(too_large());
        }
        let numbers = shape.iter().try_fold(1usize, |n, &size| n.checked_mul(size));
        numbers.filter(|&n| n <= COLORS * MAX_BYTES).ok_or_else(too_large)?;
        Ok(PixelLayout { rows, cols, channels, channels_first })
    }

    /// The gray values of an image, `[rows, cols]`. Equal colors are gray; others need `gray`,
    /// ITU-R BT.601's luma.
    fn to_gray(self, values: &[f64], gray: bool, out: &mut Vec<f64>) -> ProblemResult<()> {
        out.clear();
        if self.channels == 1 {
            out.extend(values);
            return Ok(());
        }
        let pixels = self.rows * self.cols;
        for pixel in 0..pixels {
            let [r, g, b] = std::array::from_fn(|color| match self.channels_first {
                true => values[color * pixels + pixel],
                false => values[pixel * COLORS + color],
            });
            out.push(match (r == g && g == b, gray) {
                (true, _) => r,
                (false, true) => 0.299 * r + 0.587 * g + 0.114 * b,
                (false, false) => return Err(Problem::Color),
            });
        }
        Ok(())
    }
}

impl<'a> Stack<'a> {
    /// A NumPy array.
    pub fn npy(entry: &'a Entry, header: Header) -> Result<Stack<'a>> {
        let layout = PixelLayout::from_shape(&header.shape)
            .map_err(|problem| problem.in_file(&entry.name))?;
        Ok(Stack { entry, table: Table::Npy(header), layout })
    }

    /// A CSV file.
    pub fn csv(entry: &'a Entry) -> Result<Stack<'a>> {
        let columns = Columns::from_entry(entry)?;
        let side = columns.side;
        let layout = PixelLayout { rows: side, cols: side, channels: 1, channels_first: true };
        Ok(Stack { entry, table: Table::Csv(columns), layout })
    }

    /// Reads the images of `subset`. The file is read twice, the first time for the range.
    pub fn load(&self, options: &Options, subset: Option<Subset>) -> Result<Loaded> {
        let named = |problem: Problem| problem.in_file(&self.entry.name);
        let PixelLayout { rows, cols, .. } = self.layout;
        check_size(rows, cols, options).map_err(named)?;
        let (mut found, mut whole, mut total) = (Extremes::NONE, true, 0);
        let mut labels = Vec::new();
        let mut gray = Vec::new();
        self.for_each_item(&mut |image, values, label| {
            self.layout.to_gray(values, options.gray, &mut gray)?;
            if !found.add(&gray) {
                return Err(Problem::NotFinite { image });
            }
            whole = whole && gray.iter().all(|value| value.fract() == 0.0);
            labels.extend(label);
            total += 1;
            Ok(())
        })?;
        if total == 0 {
            return Err(named(Problem::NoImages("")));
        }
        let (numbers, format) = match &self.table {
            Table::Npy(header) => {
                (header.dtype.number_kind(), format!("NumPy {}", header.dtype.name))
            }
            Table::Csv(_) if whole => (NumberKind::Whole, "CSV".to_owned()),
            Table::Csv(_) => (NumberKind::Float, "CSV".to_owned()),
        };
        let range = Range::choose(found, options.range, numbers).map_err(named)?;
        let chosen = subset.and_then(|subset| subset.choose(total));
        let mut images = Collector::default();
        let mut next = 0;
        self.for_each_item(&mut |image, values, _| {
            let wanted = chosen.as_ref().is_none_or(|chosen| chosen.get(next) == Some(&image));
            if wanted {
                next += 1;
                self.layout.to_gray(values, options.gray, &mut gray)?;
                let pixels = gray.iter().map(|&value| range.pixel(value)).collect();
                images.add(Plane { rows, cols, pixels }, options)?;
            }
            Ok(())
        })?;
        Ok(Loaded {
            images: images.finish().map_err(named)?,
            labels: (!labels.is_empty()).then_some(labels),
            total,
            format: match range == Range::BYTES {
                true => format,
                false => format!("{format}, {range}"),
            },
        })
    }

    fn for_each_item(&self, visit: &mut VisitItem<'_>) -> Result<()> {
        self.entry.read(|reader| match &self.table {
            Table::Npy(header) => {
                Header::read(reader)?;
                header.read_items(reader, &mut |image, values| visit(image, values, None))
            }
            Table::Csv(columns) => columns.read_items(reader, visit),
        })
    }
}
