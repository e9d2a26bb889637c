//! Images: creation, selection, files and conversion from arrays.

use mnist_io::{ElementType, Error, Idx, IdxData, Images};

#[test]
fn select_returns_images_in_the_given_order() {
    let images = Images::new(1, 2, vec![0, 1, 2, 3, 4, 5]).unwrap();
    assert_eq!(images.len(), 3);
    assert_eq!(images.iter().collect::<Vec<_>>(), [[0, 1], [2, 3], [4, 5]]);
    assert_eq!(images.select(&[2, 0, 2]).unwrap().pixels(), [4, 5, 0, 1, 4, 5]);
    assert!(images.select(&[]).unwrap().is_empty());
    assert_eq!(images.select(&[0, 3]), None);
    assert_eq!(images.first(2).pixels(), [0, 1, 2, 3]);
    assert_eq!(images.first(9), images);
    assert_eq!(images.get(3), None);

    // No images, of a size that exceeds any memory.
    let none = Images::new(1 << 15, 1 << 15, vec![]).unwrap();
    assert_eq!(none.select(&[0; 1 << 16]), None);
}

#[test]
fn images_round_trip_through_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("000300.idx3");
    for pixels in [vec![], vec![9, 8, 7, 6, 5, 4, 3, 2]] {
        let images = Images::new(2, 2, pixels).unwrap();
        images.write_file(&path).unwrap();
        assert_eq!(Images::read_file(&path).unwrap(), images);
        let idx = Idx::from(images.clone());
        assert_eq!(Idx::read_file(&path).unwrap(), idx);
        assert_eq!(Images::try_from(idx).unwrap(), images);
    }
}

#[test]
fn images_must_be_u8_with_three_dimensions_and_pixels() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("images");
    for (shape, data) in [
        (vec![2], IdxData::U8(vec![1, 2])),
        (vec![1, 2], IdxData::U8(vec![1, 2])),
        (vec![1, 2, 1, 1], IdxData::U8(vec![1, 2])),
        (vec![1, 2, 1], IdxData::I8(vec![1, 2])),
        (vec![2, 0, 3], IdxData::U8(vec![])),
        (vec![2, 3, 0], IdxData::U8(vec![])),
    ] {
        let idx = Idx::new(shape.clone(), data).unwrap();
        idx.write_file(&path).unwrap();
        let error = Images::read_file(&path).unwrap_err();
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert!(
            matches!(error.rule(), Error::NotImages { shape: found, .. } if *found == shape),
            "{error:?}"
        );
    }
    let labels = Idx::new(vec![2], IdxData::U8(vec![1, 2])).unwrap();
    let error = Images::try_from(labels).unwrap_err();
    assert!(matches!(error, Error::NotImages { element: ElementType::U8, .. }));
    assert!(error.to_string().contains("a file of labels?"), "{error}");
}

#[test]
fn number_of_pixels_must_be_a_multiple_of_an_image() {
    for (rows, cols, pixels) in [(2, 3, 5), (0, 3, 0), (3, 0, 0), (usize::MAX, 2, 6)] {
        let error = Images::new(rows, cols, vec![0; pixels]).unwrap_err();
        assert!(matches!(error, Error::PixelCount { .. }), "{error:?}");
    }
    #[cfg(target_pointer_width = "64")]
    assert!(matches!(Images::new(1 << 32, 1, vec![]).unwrap_err(), Error::TooLarge { .. }));
}
