"""Parquet files are read as the hub writes them, and a bad one is named with its row."""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from documented_split import documented_split
from PIL import Image

from automl.core.augmentation import Augmentation
from automl.datasets.load import load_dataset
from automl.errors import DatasetError

CIFAR10_JPEG = Path(__file__).parents[2].parent / "shared" / "data" / "cifar10-jpeg"


def encoded(pixels):
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def random_pixels(count, *, seed, shape=(6, 5, 3)):
    return np.random.default_rng(seed).integers(256, size=(count, *shape), dtype=np.uint8)


def write(path, pictures, *, column="img", labels=None, label_column="label"):
    rows = [{"bytes": picture, "path": f"{index}.png"} for index, picture in enumerate(pictures)]
    labels = [index % 2 for index in range(len(rows))] if labels is None else labels
    image_type = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({column: pa.array(rows, image_type), label_column: pa.array(labels)})
    pq.write_table(table, path, row_group_size=4)


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "train.parquet", [encoded(p) for p in random_pixels(10, seed=0)])
    write(tmp_path / "test.parquet", [encoded(p) for p in random_pixels(6, seed=1)])
    return tmp_path


def load_error(folder):
    with pytest.raises(DatasetError) as caught:
        load_dataset(f"parquet:{folder}")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_pixels_and_labels_come_back_in_the_documented_split(folder):
    dataset = load_dataset(f"parquet:{folder}")
    train, validation = documented_split(np.arange(10) % 2, has_test=True)
    published = random_pixels(10, seed=0).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(dataset.validation.images, published[validation])
    np.testing.assert_array_equal(dataset.train.images, published[train])
    np.testing.assert_array_equal(dataset.train.labels, np.array(train) % 2)
    np.testing.assert_array_equal(dataset.test.images, random_pixels(6, seed=1).transpose(0, 3, 1, 2))
    assert dataset.augmentation is Augmentation.SHIFT


def test_grey_images_in_a_column_named_image_have_one_channel(tmp_path):
    for name in ("train", "test"):
        pixels = random_pixels(10, seed=0, shape=(6, 6))
        write(tmp_path / f"{name}.parquet", [encoded(p) for p in pixels], column="image")
    dataset = load_dataset(f"parquet:{tmp_path}")
    assert dataset.image_shape == (1, 6, 6)
    assert dataset.augmentation is Augmentation.SHIFT
    np.testing.assert_array_equal(dataset.test.images[:, 0], pixels)


def test_missing_folder_is_refused(tmp_path):
    assert "there is no folder" in load_error(tmp_path / "nowhere")
    assert "there is no folder ''" in load_error("")


@pytest.mark.parametrize("name", ["train.parquet", "test.parquet"])
def test_missing_file_is_named_beside_those_found(folder, name):
    (folder / name).rename(folder / f"other-{name}")
    message = load_error(folder)
    assert f"there is no {folder / name}" in message
    assert f"other-{name}" in message


@pytest.mark.parametrize("kept_share", [0.0, 0.5])
def test_torn_file_is_refused(folder, kept_share):
    content = (folder / "test.parquet").read_bytes()
    (folder / "test.parquet").write_bytes(content[: int(len(content) * kept_share)])
    assert "test.parquet cannot be read as parquet" in load_error(folder)


def test_missing_column_is_named_beside_those_found(folder):
    write(folder / "train.parquet", [], column="picture", labels=pa.array([], pa.int64()))
    assert "no column 'img', only picture, label" in load_error(folder)
    write(folder / "train.parquet", [], labels=pa.array([], pa.int64()), label_column="fine_label")
    assert "no column 'label', only img, fine_label" in load_error(folder)


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        ([encoded(random_pixels(1, seed=0)[0])] * 7 + [b"no picture"], "row 7 of .*train.parquet cannot be decoded"),
        ([encoded(random_pixels(1, seed=0)[0])[:-60]] * 5, "row 0 of .*train.parquet cannot be decoded"),
        ([encoded(random_pixels(1, seed=0)[0])] * 5 + [None], "row 5 of .*train.parquet has no image bytes"),
    ],
)
def test_undecodable_image_is_named_by_its_row(folder, pictures, message):
    write(folder / "train.parquet", pictures)
    with pytest.raises(DatasetError, match=message):
        load_dataset(f"parquet:{folder}")


def test_images_of_several_sizes_or_colours_are_refused(folder):
    colour, grey = random_pixels(5, seed=0), random_pixels(1, seed=0, shape=(6, 5))[0]
    write(folder / "train.parquet", [encoded(p) for p in colour] + [encoded(colour[0, :4])])
    message = load_error(folder)
    assert "row 0 of" in message
    assert "is 5 x 6, row 5 of" in message
    assert f"is 5 x 4: write 'parquet:{folder}?resize=5x6'" in message
    write(folder / "train.parquet", [encoded(p) for p in colour] + [encoded(grey)])
    assert f"is grey: write 'parquet:{folder}?convert=rgb' or convert=grey" in load_error(folder)


def test_pixels_of_16_bits_are_refused(folder):
    write(folder / "train.parquet", [encoded(np.zeros((6, 5), np.uint16))] * 5)
    assert "has pixels of mode I;16, not 8 bits" in load_error(folder)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["cat", "dog"] * 5, "column 'label' is string, not an integer"),
        ([0.0, 1.0] * 5, "column 'label' is double, not an integer"),
        ([0, None] * 5, "5 labels are null"),
        ([0, -2] * 5, "label -2"),
    ],
)
def test_bad_labels_are_refused(folder, labels, message):
    write(folder / "train.parquet", [encoded(p) for p in random_pixels(10, seed=0)], labels=labels)
    assert message in load_error(folder)


def test_bare_bytes_in_place_of_the_struct_are_refused(folder):
    pq.write_table(pa.table({"img": [b"x"], "label": [0]}), folder / "train.parquet")
    assert "column 'img' is binary, not a struct with a field 'bytes'" in load_error(folder)


def test_empty_split_is_refused(folder):
    write(folder / "test.parquet", [], labels=pa.array([], pa.int64()))
    assert "the test set is empty" in load_error(folder)


@pytest.mark.parametrize("name", ["validation", "val", "valid"])
def test_a_validation_file_is_used_as_validation(folder, name):
    write(folder / f"{name}.parquet", [encoded(p) for p in random_pixels(4, seed=2)])
    dataset = load_dataset(f"parquet:{folder}")
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (10, 4, 6)
    published = random_pixels(4, seed=2).transpose(0, 3, 1, 2)
    order = np.random.default_rng(0).permutation(4)
    np.testing.assert_array_equal(dataset.validation.images, published[order])
    assert dataset.notes == ()


def test_test_images_are_set_aside_beside_a_validation_file_alone_and_that_is_said(folder):
    (folder / "test.parquet").rename(folder / "val.parquet")
    dataset = load_dataset(f"parquet:{folder}")
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (8, 6, 2)
    assert dataset.notes == ("there is no test set beside the validation set: 2 training images are set aside as test",)


def test_two_validation_files_are_refused_and_other_files_are_named(folder):
    (folder / "val.parquet").write_bytes((folder / "test.parquet").read_bytes())
    (folder / "validation.parquet").write_bytes((folder / "test.parquet").read_bytes())
    assert "has validation.parquet and val.parquet, both for validation: keep one" in load_error(folder)
    (folder / "validation.parquet").unlink()
    (folder / "val.parquet").rename(folder / "unlabelled.parquet")
    assert load_dataset(f"parquet:{folder}").notes == (
        f"not read, since {folder} has train.parquet: unlabelled.parquet",
    )


def test_class_names_are_those_that_the_hub_wrote(folder):
    table = pq.read_table(folder / "train.parquet")
    info = {"info": {"features": {"label": {"names": ["ant", "bee"], "_type": "ClassLabel"}}}}
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(info)}), folder / "train.parquet")
    assert load_dataset(f"parquet:{folder}").class_names == ("ant", "bee")
    pq.write_table(table.replace_schema_metadata({"huggingface": "[]"}), folder / "train.parquet")
    assert load_dataset(f"parquet:{folder}").class_names is None


def test_pictures_are_made_as_the_options_say(folder):
    pixels = random_pixels(10, seed=0)
    turned = [Image.fromarray(p).transpose(Image.Transpose.ROTATE_180) for p in pixels]
    exif = Image.Exif()
    exif[0x0112] = 3
    buffers = [BytesIO() for _ in turned]
    for image, buffer in zip(turned, buffers, strict=True):
        image.save(buffer, format="PNG", exif=exif)
    write(folder / "train.parquet", [buffer.getvalue() for buffer in buffers])
    dataset = load_dataset(f"parquet:{folder}?convert=grey&resize=10x12")
    assert dataset.image_shape == (1, 12, 10)
    train, _ = documented_split(np.arange(10) % 2, has_test=True)
    first = Image.fromarray(pixels[train[0]]).convert("L").resize((10, 12), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(dataset.train.images[0, 0], np.asarray(first))
    write(folder / "test.parquet", [b""] * 6)
    assert f"row 0 of {folder / 'test.parquet'} has 0 bytes" in load_error(folder)


@pytest.mark.slow
@pytest.mark.skipif(not CIFAR10_JPEG.is_dir(), reason=f"CIFAR-10 (JPEG re-encoded) is not at {CIFAR10_JPEG}")
def test_cifar10_re_encoded_as_jpeg_loads_whole():
    dataset = load_dataset(f"parquet:{CIFAR10_JPEG}")
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (45_000, 5000, 10_000)
    assert (dataset.task.outputs, dataset.image_shape) == (10, (3, 32, 32))
    table = pq.read_table(CIFAR10_JPEG / "train.parquet")
    row = documented_split(table["label"].to_numpy(), has_test=True)[1][0]
    encoded_image = table["img"][int(row)].as_py()["bytes"]
    with Image.open(BytesIO(encoded_image)) as image:
        np.testing.assert_array_equal(dataset.validation.images[0].transpose(1, 2, 0), np.asarray(image))
