//! Sources that are refused, with the file, the rule and the next step.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::Path;

use common::{ALL, csv, gzip, idx, images, npy, npy_u8, npz, png, read, refused, write, zip};
use gan_import::{Options, read_samples, read_set};
use zip::CompressionMethod;

#[track_caller]
fn refuses(bytes: &[u8], hints: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "file", bytes);
    refused(read(&path), &path, hints);
}

#[test]
fn files_of_other_formats_are_named() {
    refuses(b"", &["empty"]);
    refuses(b"digits, as text", &["text that is no table"]);
    refuses(b"\x80\x04\x95pickled", &["Python pickle", "np.save"]);
    refuses(b"GIF89a", &["GIF"]);
    refuses(b"<!DOCTYPE html>", &["web page"]);
    refuses(b"\x89HDF\r\n", &["HDF5"]);
    let torch = [("archive/data.pkl", &b"\x80\x02"[..]), ("archive/data/0", b"1234")];
    let torch = zip(&torch, CompressionMethod::Stored);
    refuses(&torch, &["PyTorch", "np.save(\"images.npy\", tensor.cpu().numpy())"]);
    refuses(&npz(&[]), &["no images"]);
    refuses(&npz(&[("notes.txt", b"x")]), &["no images", "notes.txt"]);
    let pickled = npy("|O", "False", "(3,)", b"\x80\x04");
    refuses(&pickled, &["pickled", "np.stack"]);
    refuses(&npy("<U5", "False", "(3,)", &[0; 60]), &["<U5"]);
}

#[test]
fn broken_headers_are_refused_with_the_reason() {
    let eight = [0; 8];
    refuses(b"\x93NUMPY", &["ends inside"]);
    refuses(b"\x93NUMPY\x01\x00\xff\x00{'descr'", &["ends inside"]);
    refuses(b"\x93NUMPY\x02\x00\xff\xff\xff\xff", &["too long"]);
    refuses(b"\x93NUMPY\x07\x00\x01\x00 ", &["version"]);
    refuses(b"\x93NUMPY\x01\x00\x02\x00{}", &["no type"]);
    refuses(&npy("|u1", "Maybe", "(2, 2, 2)", &eight), &["no order"]);
    refuses(&npy("|u1", "False", "(2, x)", &eight), &["no shape"]);
    for shape in ["(2, 5)", "(2, 0, 4)", "(1, 5, 2, 2)", "(1, 2, 2, 2, 1)"] {
        refuses(&npy("|u1", "False", shape, &eight), &["shape", "[n, rows, cols]"]);
    }
}

#[test]
fn incomplete_and_overlong_data_are_refused() {
    let eight = [0; 8];
    refuses(&npy("|u1", "False", "(3, 2, 2)", &eight), &["after 8 of the 12 bytes"]);
    refuses(&npy("|u1", "True", "(3, 2, 2)", &eight), &["after 8 of the 12 bytes"]);
    refuses(&npy("|u1", "False", "(1, 2, 2)", &eight), &["other bytes follow the 4"]);
    let member = npy("|u1", "False", "(1, 2, 2)", &eight);
    refuses(&npz(&[("x.npy", &member)]), &["x.npy", "other bytes follow the 4"]);
    let cut = gzip(&npy_u8(&images(2)));
    refuses(&cut[..cut.len() - 4], &["gzip", "incomplete"]);
}

/// One flipped bit of a stored or deflated member is found by its checksum.
#[test]
fn a_flipped_bit_in_an_npz_file_is_refused() {
    let array = npy_u8(&images(2));
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let good = zip(&[("x.npy", &array)], method);
        let dir = tempfile::tempdir().unwrap();
        let path = write(dir.path(), "x.npz", &good);
        assert!(read(&path).unwrap().images == images(2));
        let mut bad = good.clone();
        bad[900] ^= 16;
        fs::write(&path, bad).unwrap();
        refused(read(&path), &path, &["x.npy"]);
    }
}

#[test]
fn shapes_beyond_the_limits_are_refused_before_data_are_read() {
    // No data follow the headers, so any attempt to read them ends in another error.
    for shape in ["(1, 100000, 60000)", "(9, 18446744073709551615, 2)", "(9000000, 28, 28)"] {
        let array = npy("|u1", "False", shape, &[]);
        refuses(&array, &["too large"]);
        refuses(&npz(&[("x.npy", &array)]), &["x.npy", "too large"]);
    }
    refuses(&common::idx_array(8, &[1 << 20, 1 << 10, 1 << 10], &[]), &["1 GiB"]);
}

#[test]
fn numbers_that_are_no_pixels_are_refused() {
    let floats = |v: f32| npy("<f4", "False", "(1, 28, 28)", &v.to_le_bytes().repeat(784));
    refuses(&floats(f32::NAN), &["image 0", "NaN"]);
    refuses(&floats(f32::INFINITY), &["infinite"]);
    refuses(&floats(1000.0), &["1000", "--range"]);
    let wide = npy("<i2", "False", "(1, 28, 28)", &(-5i16).to_le_bytes().repeat(784));
    refuses(&wide, &["-5", "--range"]);
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "x.npy", &floats(2.0));
    let options = Options { range: Some((0.0, 1.0)), ..Options::default() };
    refused(read_samples(&path, &options, ALL), &path, &["outside of --range 0,1"]);
}

#[test]
fn lines_of_a_csv_file_are_refused_by_number() {
    let good = String::from_utf8(csv(&images(3), Some(&[1, 2, 3]))).unwrap();
    let line = |index: usize, text: &str| {
        let mut lines: Vec<&str> = good.lines().collect();
        lines[index] = text;
        lines.join("\n").into_bytes()
    };
    refuses(&line(2, "1,2,3"), &["line 3", "3 columns instead of 785"]);
    let bad = good.lines().nth(1).unwrap().replacen(',', ",x", 1);
    refuses(&line(1, &bad), &["line 2", "is not a number"]);
    refuses(b"a,b,c,d,e,f,g,h\n1,2,3,4,5,6,7,8\n", &["8 columns"]);
    let long = [b"1,".repeat(1 << 21), b"1\n".to_vec()].concat();
    refuses(&[b"1,2,3,4\n".to_vec(), long].concat(), &["line 2", "4 MiB"]);
}

#[test]
fn damaged_pictures_and_mixed_sizes_are_refused_by_file() {
    let dir = tempfile::tempdir().unwrap();
    let one = images(1);
    let mut bytes = png(one.pixels());
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let path = write(dir.path(), "a/1.png", &bytes);
    refused(read(&dir.path().join("a")), &path, &["damaged"]);
    write(dir.path(), "b/1.png", &png(one.pixels()));
    let mut small = std::io::Cursor::new(Vec::new());
    let color = image::ExtendedColorType::L8;
    image::write_buffer_with_format(&mut small, &[9; 16], 4, 4, color, image::ImageFormat::Png)
        .unwrap();
    let path = write(dir.path(), "b/2.png", &small.into_inner());
    refused(read(&dir.path().join("b")), &path, &["4x4", "28x28", "--resize 28"]);
    let options = Options { resize: Some(28), ..Options::default() };
    let all = read_samples(&dir.path().join("b"), &options, ALL).unwrap().images;
    assert_eq!((all.len(), all.rows(), all.cols()), (2, 28, 28));
}

#[test]
fn a_size_that_the_command_does_not_use_is_refused_with_the_option_to_add() {
    let dir = tempfile::tempdir().unwrap();
    // The pixels are missing: the size is refused first.
    let array = npy("|u1", "False", "(3, 64, 64)", &[]);
    let path = write(dir.path(), "x.npz", &npz(&[("x.npy", &array)]));
    let options = Options { sides: vec![28, 32], ..Options::default() };
    refused(read_samples(&path, &options, ALL), &path, &["64x64", "28x28 or 32x32", "--resize 28"]);
    let options = Options { through_import: true, ..options };
    refused(read_set(&path, &options), &path, &["cargo xtask import", "--resize 28"]);
}

#[test]
fn one_of_several_arrays_is_chosen_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (npy_u8(&images(2)), npy_u8(&images(3)));
    let path = write(dir.path(), "x.npz", &npz(&[("fake.npy", &a), ("real.npy", &b)]));
    refused(read(&path), &path, &["fake, real", "--array fake"]);
    let with = |name: &str| {
        let options = Options { array: Some(name.to_owned()), ..Options::default() };
        read_samples(&path, &options, ALL)
    };
    assert!(with("real").unwrap().images == images(3));
    refused(with("x"), &path, &["no array x", "fake, real"]);
}

#[test]
fn missing_and_unreadable_sources_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("none.npy");
    refused(read(&path), &path, &["No such file"]);
    refused(read(dir.path()), dir.path(), &["no images", "sub-folders"]);
}

/// Opening a named pipe waits for a writer.
#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_any_file_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = |name: &str| {
        let path = dir.path().join(name);
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        path
    };
    let path = fifo("x.npy");
    refused(read(&path), &path, &["a pipe or a device"]);
    refused(read_set(&path, &Options::default()), &path, &["a pipe or a device"]);
    // In a folder, a pipe is no picture; with the name of an IDX file it is an error.
    write(dir.path(), "0.png", &png(images(1).pixels()));
    assert_eq!(read(dir.path()).unwrap().images.len(), 1);
    let path = fifo("train-images-idx3-ubyte");
    refused(read_set(dir.path(), &Options::default()), &path, &["a pipe or a device"]);
    refused(read(Path::new("/dev/zero")), Path::new("/dev/zero"), &["a pipe or a device"]);
    fs::remove_file(&path).unwrap();
    fs::write(&path, idx(&images(2))).unwrap();
    let path = fifo("train-labels-idx1-ubyte");
    refused(read_set(dir.path(), &Options::default()), &path, &["a pipe or a device"]);
}
