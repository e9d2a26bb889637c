//! The same images in every accepted container, type, layout and range are the same pixels.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::path::Path;

use common::{ALL, csv, gzip, idx, images, npy, npy_u8, npz, picture, png, read, write, zip};
use gan_import::{Options, Subset, read_samples};
use image::{ExtendedColorType, ImageFormat};
use mnist_io::Images;
use zip::CompressionMethod;

const N: usize = 6;

/// The bytes of the images' pixels, each converted by `convert`.
fn elements<const B: usize>(images: &Images, convert: impl Fn(u8) -> [u8; B]) -> Vec<u8> {
    images.pixels().iter().flat_map(|&pixel| convert(pixel)).collect()
}

/// An IEEE 754 number of 16 bits for a normal number below 65504, rounded to the nearest.
fn half(value: f32) -> [u8; 2] {
    if value == 0.0 {
        return [0; 2];
    }
    let bits = value.to_bits();
    let exponent = (bits >> 23 & 255) as i32 - 127 + 15;
    assert!((1..31).contains(&exponent), "{value} is not normal");
    let rounded = (exponent as u32) << 10 | (bits & 0x7f_ffff) >> 13;
    ((rounded + (bits >> 12 & 1)) as u16 | (bits >> 16 & 0x8000) as u16).to_le_bytes()
}

/// Every way to store the images in one array, in NumPy's format.
fn arrays(images: &Images) -> Vec<(String, Vec<u8>)> {
    let unit = |pixel: u8| f32::from(pixel) / 255.0;
    let signed = |pixel: u8| f32::from(pixel) / 127.5 - 1.0;
    let wide = |pixel: u8| f64::from(pixel);
    let mut all = Vec::new();
    let types = [
        ("|u1", images.pixels().to_vec()),
        ("<i2", elements(images, |p| i16::from(p).to_le_bytes())),
        (">i2", elements(images, |p| i16::from(p).to_be_bytes())),
        ("<u2", elements(images, |p| u16::from(p).to_le_bytes())),
        ("<i4", elements(images, |p| i32::from(p).to_le_bytes())),
        (">u4", elements(images, |p| u32::from(p).to_be_bytes())),
        ("<i8", elements(images, |p| i64::from(p).to_le_bytes())),
        ("<u8", elements(images, |p| u64::from(p).to_le_bytes())),
        ("<f2", elements(images, |p| half(unit(p)))),
        ("<f4", elements(images, |p| unit(p).to_le_bytes())),
        (">f4", elements(images, |p| unit(p).to_be_bytes())),
        ("<f4", elements(images, |p| signed(p).to_le_bytes())),
        ("<f8", elements(images, |p| (wide(p) / 255.0).to_le_bytes())),
        ("<f8", elements(images, |p| wide(p).to_le_bytes())),
    ];
    let flat = format!("({N}, 784)");
    for (dtype, data) in &types {
        all.push((format!("{dtype} flat"), npy(dtype, "False", &flat, data)));
    }
    for shape in ["28, 28", "1, 28, 28", "28, 28, 1"] {
        let shape = format!("({N}, {shape})");
        all.push((shape.clone(), npy("|u1", "False", &shape, images.pixels())));
        all.push((format!("f4 {shape}"), npy("<f4", "False", &shape, &types[9].1)));
    }
    // Equal colors, in the last and in the second axis.
    let last = images.pixels().iter().flat_map(|&p| [p; 3]).collect::<Vec<u8>>();
    let second = images.iter().flat_map(|image| image.repeat(3)).collect::<Vec<u8>>();
    all.push(("colors last".into(), npy("|u1", "False", &format!("({N}, 28, 28, 3)"), &last)));
    all.push(("colors second".into(), npy("|u1", "False", &format!("({N}, 3, 28, 28)"), &second)));
    // In Fortran's order the first index changes fastest.
    let at = |i: usize| (i % N) * 784 + (i / N % 28) * 28 + i / N / 28;
    let turned: Vec<u8> = (0..N * 784).map(|i| images.pixels()[at(i)]).collect();
    all.push(("fortran".into(), npy("|u1", "True", &format!("({N}, 28, 28)"), &turned)));
    all
}

/// Every way to store the images in one file.
fn files(images: &Images) -> Vec<(String, Vec<u8>)> {
    let mut all = arrays(images);
    let array = npy_u8(images);
    let stored = zip(&[("arr_0.npy", &array)], CompressionMethod::Stored);
    let pictures: Vec<Vec<u8>> = images.iter().map(png).collect();
    let named: Vec<(String, &[u8])> =
        pictures.iter().enumerate().map(|(i, p)| (format!("{i}.png"), &p[..])).collect();
    let named: Vec<(&str, &[u8])> = named.iter().map(|(name, p)| (name.as_str(), *p)).collect();
    let table = csv(images, Some(&[7; N]));
    let without_names = table.iter().position(|&b| b == b'\n').unwrap() + 1;
    let units: Vec<String> = images
        .iter()
        .map(|i| {
            i.iter().map(|&p| format!("{}", f64::from(p) / 255.0)).collect::<Vec<_>>().join(",")
        })
        .collect();
    all.extend([
        ("idx".into(), idx(images)),
        ("idx gzip".into(), gzip(&idx(images))),
        ("npy gzip".into(), gzip(&array)),
        ("npz stored".into(), stored),
        ("npz deflated".into(), npz(&[("arr_0.npy", &array)])),
        ("npz with labels".into(), npz(&[("arr_0.npy", &array), ("arr_1.npy", &labels())])),
        ("csv".into(), table.clone()),
        ("csv gzip".into(), gzip(&table)),
        ("csv without labels".into(), csv(images, None)),
        ("csv without names".into(), table[without_names..].to_vec()),
        ("csv of floats".into(), units.join("\r\n").into_bytes()),
        ("zip of pictures".into(), npz(&named)),
    ]);
    all
}

fn labels() -> Vec<u8> {
    npy("<i8", "False", &format!("({N},)"), &[0; 8 * N])
}

#[test]
fn every_container_type_layout_and_range_gives_the_same_pixels() {
    let dir = tempfile::tempdir().unwrap();
    let images = images(N);
    for (what, bytes) in files(&images) {
        let path = write(dir.path(), "file", &bytes);
        let samples = read(&path).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert!(samples.images == images, "{what}: {}", samples.summary);
        assert!(samples.summary.starts_with("6 images of 28x28 ("), "{}", samples.summary);
        assert!(samples.summary.contains("values 0 to 255"), "{}", samples.summary);
    }
}

/// The header that NumPy 2.1.1 writes, `np.save(f, np.zeros((2, 28, 28), np.uint8))`.
#[test]
fn reads_a_file_written_by_numpy() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    let text = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 28, 28), }";
    file.extend(format!("{text:117}\n").as_bytes());
    file.extend([0; 2 * 784]);
    assert_eq!(read(&write(dir.path(), "x.npy", &file)).unwrap().images.len(), 2);
}

#[test]
fn folders_of_pictures_give_the_same_pixels() {
    let images = images(N);
    let rgb = |image: &[u8]| image.iter().flat_map(|&p| [p; 3]).collect::<Vec<u8>>();
    let rgba = |image: &[u8]| image.iter().flat_map(|&p| [p, p, p, 255]).collect::<Vec<u8>>();
    let wide = |image: &[u8]| image.iter().flat_map(|&p| [p, p]).collect::<Vec<u8>>();
    type Encode<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;
    let encode: [(&str, Encode<'_>); 4] = [
        ("gray", &png),
        ("rgb", &|i| picture(&rgb(i), ExtendedColorType::Rgb8, ImageFormat::Png)),
        ("rgba", &|i| picture(&rgba(i), ExtendedColorType::Rgba8, ImageFormat::Png)),
        ("16 bits", &|i| picture(&wide(i), ExtendedColorType::L16, ImageFormat::Png)),
    ];
    for (what, encode) in encode {
        let dir = tempfile::tempdir().unwrap();
        for (i, image) in images.iter().enumerate() {
            write(dir.path(), &format!("{i}.png"), &encode(image));
        }
        write(dir.path(), "README.txt", b"digits");
        let samples = read(dir.path()).unwrap();
        assert!(samples.images == images, "{what}");
    }
}

/// JPEG is lossy: smooth images differ by a few gray levels.
#[test]
fn jpeg_gives_nearly_the_same_pixels() {
    let dir = tempfile::tempdir().unwrap();
    let smooth: Vec<u8> = (0..784).map(|i| (i / 28 * 4 + i % 28 * 4) as u8).collect();
    let bytes = picture(&smooth, ExtendedColorType::L8, ImageFormat::Jpeg);
    let samples = read(&write(dir.path(), "0.jpg", &bytes)).unwrap();
    let close = samples.images.pixels().iter().zip(&smooth).all(|(a, b)| a.abs_diff(*b) < 20);
    assert!(close && samples.images.len() == 1);
}

#[test]
fn a_given_range_is_used_for_every_type() {
    let dir = tempfile::tempdir().unwrap();
    let bits: Vec<u8> = (0..2 * 784).map(|i| u8::from(i % 3 == 0)).collect();
    let wanted: Vec<u8> = bits.iter().map(|bit| 255 * bit).collect();
    let wide: Vec<u8> =
        bits.iter().flat_map(|&bit| (65535 * u16::from(bit)).to_le_bytes()).collect();
    let unit = Some((0.0, 1.0));
    let one = |images: &[u8]| idx(&Images::new(28, 28, images.to_vec()).unwrap());
    for (file, range) in [
        (npy("|u1", "False", "(2, 28, 28)", &bits), unit),
        (npy("|b1", "False", "(2, 28, 28)", &bits), None),
        (npy("<u2", "False", "(2, 28, 28)", &wide), Some((0.0, 65535.0))),
        (one(&bits), unit),
        (csv(&Images::new(28, 28, bits.clone()).unwrap(), None), unit),
    ] {
        let path = write(dir.path(), "file", &file);
        let options = Options { range, ..Options::default() };
        let samples = read_samples(&path, &options, ALL).unwrap();
        assert_eq!(samples.images.pixels(), wanted);
    }
}

#[test]
fn the_found_range_is_part_of_the_description() {
    let dir = tempfile::tempdir().unwrap();
    let found = |values: [f32; 2]| {
        let data: Vec<u8> =
            values.iter().flat_map(|v| v.to_le_bytes()).cycle().take(3136).collect();
        let path = write(dir.path(), "x.npy", &npy("<f4", "False", "(1, 28, 28)", &data));
        read(&path).map(|samples| samples.summary)
    };
    assert!(found([0.0, 1.0]).unwrap().contains("NumPy <f4, range [0,1] found"));
    assert!(found([-1.0, 0.5]).unwrap().contains("range [-1,1] found"));
    // A value of 1.0000001 is rounding, not another range.
    assert!(found([0.0, 1.000_000_1]).unwrap().contains("range [0,1] found"));
    assert!(!found([0.0, 254.0]).unwrap().contains("range"));
    let refused = found([-3.0, 3.0]).unwrap_err().to_string();
    assert!(refused.contains("--range -3,3"), "{refused}");
}

#[test]
fn images_are_transposed_inverted_and_resized() {
    let dir = tempfile::tempdir().unwrap();
    let images = images(2);
    let path = write(dir.path(), "x.npy", &npy_u8(&images));
    let with = |options: Options| read_samples(&path, &options, ALL).unwrap().images;
    let transposed = with(Options { transpose: true, ..Options::default() });
    let inverted = with(Options { invert: true, ..Options::default() });
    for (i, image) in images.iter().enumerate() {
        for (at, &pixel) in image.iter().enumerate() {
            assert_eq!(transposed.get(i).unwrap()[at % 28 * 28 + at / 28], pixel);
            assert_eq!(inverted.get(i).unwrap()[at], 255 - pixel);
        }
    }
    // Stripes of one pixel become gray: a method that skips pixels would keep them.
    let stripes: Vec<u8> = (0..56 * 56).map(|i| if i % 2 == 0 { 255 } else { 0 }).collect();
    let path = write(dir.path(), "wide.npy", &npy("|u1", "False", "(1, 56, 56)", &stripes));
    let options = Options { resize: Some(28), ..Options::default() };
    let small = read_samples(&path, &options, ALL).unwrap().images;
    assert_eq!((small.rows(), small.cols()), (28, 28));
    let inside = small.pixels().chunks(28).flat_map(|row| &row[1..27]);
    assert!(inside.clone().all(|p| (120..136).contains(p)), "{:?}", inside.collect::<Vec<_>>());
}

#[test]
fn colors_become_gray_only_if_that_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let red: Vec<u8> = (0..784).flat_map(|_| [255, 0, 0]).collect();
    let array = write(dir.path(), "x.npy", &npy("|u1", "False", "(1, 28, 28, 3)", &red));
    let picture = picture(&red, ExtendedColorType::Rgb8, ImageFormat::Png);
    let picture = write(dir.path(), "x.png", &picture);
    for path in [&array, &picture] {
        common::refused(read(path), path, &["in color", "--gray"]);
        let options = Options { gray: true, ..Options::default() };
        let gray = read_samples(path, &options, ALL).unwrap().images;
        // The luma of red: 0.299 of 255.
        assert_eq!(gray.pixels(), [76; 784]);
    }
}

/// In a file sorted by class, the first images are of one class.
#[test]
fn a_larger_file_gives_a_seeded_random_subset() {
    let dir = tempfile::tempdir().unwrap();
    let sorted: Vec<u8> = (0..200u8).flat_map(|i| [i; 784]).collect();
    let images = Images::new(28, 28, sorted).unwrap();
    let folder = dir.path().join("folder");
    for (i, image) in images.iter().enumerate() {
        write(&folder, &format!("{i:03}.png"), &png(image));
    }
    let sources = [
        write(dir.path(), "x.npy", &npy_u8(&images)),
        write(dir.path(), "x.idx", &idx(&images)),
        write(dir.path(), "x.csv", &csv(&images, None)),
        folder,
    ];
    let subset = |path: &Path, seed| {
        let subset = Subset { most: 50, seed };
        read_samples(path, &Options::default(), subset).unwrap()
    };
    let first = subset(&sources[0], 1);
    assert_eq!((first.images.len(), first.total), (50, 200));
    assert!(first.summary.contains("200 images") && first.summary.contains("50 chosen at random"));
    let chosen: Vec<u8> = first.images.iter().map(|image| image[0]).collect();
    assert!(chosen.is_sorted_by(|a, b| a < b) && chosen[49] > 150, "{chosen:?}");
    assert!(subset(&sources[0], 2).images != first.images);
    for source in &sources {
        assert!(subset(source, 1).images == first.images, "{}", source.display());
    }
}
