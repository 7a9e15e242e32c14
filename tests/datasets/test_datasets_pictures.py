"""Pictures come in as a viewer shows them; what would have to be guessed is refused with what to write."""

import numpy as np
import pytest
from picture_files import fill, noise, save
from PIL import Image, ImageOps

from automl.datasets.load import load_dataset
from automl.errors import DatasetError

ORIENTATION = 0x0112


def all_images(dataset):
    return np.concatenate([split.images for split in (dataset.train, dataset.validation, dataset.test)])


def load(folder, options=""):
    return load_dataset(f"imagefolder:{folder}{options}")


def refusal(folder, options=""):
    with pytest.raises(DatasetError) as caught:
        load(folder, options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def has(dataset, pixels):
    wanted = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return any(np.array_equal(image, wanted) for image in all_images(dataset))


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_once(tmp_path, suffix, orientation):
    shown = noise(99)
    taken_from = {  # the inverse of what a viewer does with the note
        2: "FLIP_LEFT_RIGHT",
        3: "ROTATE_180",
        4: "FLIP_TOP_BOTTOM",
        5: "TRANSPOSE",
        6: "ROTATE_90",
        7: "TRANSVERSE",
        8: "ROTATE_270",
    }
    image = Image.fromarray(shown)
    stored = image if orientation == 1 else image.transpose(Image.Transpose[taken_from[orientation]])
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    fill(tmp_path, {"a": 5, "b": 5}, suffix=suffix, **({"lossless": True} if suffix == ".webp" else {}))
    save(tmp_path / "a" / f"turned{suffix}", stored, exif=exif, **({"lossless": True} if suffix == ".webp" else {}))
    assert has(load(tmp_path), shown)


def test_an_orientation_of_a_jpeg_upside_down_is_applied(tmp_path):
    shown = np.zeros((16, 16, 3), np.uint8)
    shown[:8] = 255  # light above, dark below
    exif = Image.Exif()
    exif[ORIENTATION] = 3
    for name in "ab":
        for index in range(5):
            level = np.uint8(index + 20 * (name == "b"))
            save(tmp_path / name / f"{index}.jpg", ImageOps.flip(Image.fromarray(np.maximum(shown, level))), exif=exif)
    images = all_images(load(tmp_path))
    assert images[:, :, :8].min() > 200
    assert images[:, :, 8:].max() < 60


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_an_orientation_that_is_none_turns_nothing(tmp_path, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    fill(tmp_path, {"a": 5, "b": 5})
    save(tmp_path / "a" / "x.png", noise(99), exif=exif)
    assert has(load(tmp_path), noise(99))


def test_torn_exif_notes_do_not_matter(tmp_path):
    fill(tmp_path, {"a": 5, "b": 5})
    save(tmp_path / "a" / "x.png", noise(99), exif=b"Exif\0\0MM\0*\0\0")
    assert has(load(tmp_path), noise(99))


def ink(seed):
    """Draw black ink on a transparent ground: all of the drawing is in the alpha channel."""
    pixels = np.zeros((5, 6, 4), np.uint8)
    pixels[..., 3] = np.random.default_rng(seed).integers(256, size=(5, 6))
    return pixels


def ink_folder(folder, mode="RGBA"):
    for seed in range(20):
        save(folder / "ab"[seed % 2] / f"{seed}.png", ink(seed), mode=mode)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_pictures_are_refused_with_what_to_write(tmp_path, mode):
    ink_folder(tmp_path, mode)
    message = refusal(tmp_path)
    assert f"{tmp_path / 'a' / '0.png'} is transparent in places" in message
    assert f"'imagefolder:{tmp_path}?background=white'" in message


@pytest.mark.parametrize(("background", "ground"), [("white", 255), ("grey", 128), ("#ffffff", 255)])
def test_transparent_pictures_are_laid_on_the_background(tmp_path, background, ground):
    ink_folder(tmp_path)
    images = all_images(load(tmp_path, f"?background={background}"))
    expected = {tuple(np.round(ground * (1 - ink(seed)[..., 3].ravel() / 255)).astype(int)) for seed in range(20)}
    assert len({image[0].tobytes() for image in images}) == 20
    for image in images:
        difference = min(np.abs(np.array(each) - image[1].ravel()).max() for each in expected)
        assert difference <= 1


def test_grey_pictures_stay_grey_on_a_grey_background_and_become_coloured_on_another(tmp_path):
    ink_folder(tmp_path, "LA")
    assert load(tmp_path, "?background=white").image_shape.channels == 1
    coloured = load(tmp_path, "?background=#ff0000")
    assert coloured.image_shape.channels == 3
    assert all_images(coloured)[:, 1:].max() == 0


def test_black_ink_on_black_is_refused_as_one_image(tmp_path):
    ink_folder(tmp_path)
    assert "every pixel of the 12 training images is 0" in refusal(tmp_path, "?background=black")


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_an_alpha_channel_that_hides_nothing_is_dropped(tmp_path, mode):
    fill(tmp_path, {"a": 10, "b": 10}, mode=mode)
    dataset = load(tmp_path)
    assert dataset.image_shape.channels == (3 if mode == "RGBA" else 1)
    assert has(dataset, noise(0) if mode == "RGBA" else np.asarray(Image.fromarray(noise(0)).convert("L")))
    assert dataset.notes == ()


def test_a_transparent_colour_of_a_palette_or_of_rgb_is_transparency_too(tmp_path):
    fill(tmp_path, {"a": 10, "b": 10})
    palette = Image.fromarray(noise(5, channels=1) % 4, "P")
    palette.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    save(tmp_path / "a" / "palette.png", palette, transparency=0)
    assert "palette.png is transparent in places" in refusal(tmp_path)
    (tmp_path / "a" / "palette.png").unlink()
    pixels = noise(5)
    save(tmp_path / "a" / "rgb.png", pixels, transparency=tuple(pixels[0, 0].tolist()))
    assert "rgb.png is transparent in places" in refusal(tmp_path)


def test_resize_scales_width_and_height_and_says_what_is_stretched(tmp_path):
    fill(tmp_path, {"a": 10, "b": 10})
    save(tmp_path / "b" / "wide.png", noise(50, width=24, height=10))
    assert f"write 'imagefolder:{tmp_path}?resize=6x5' to scale all to one size" in refusal(tmp_path)
    dataset = load(tmp_path, "?resize=12x10")
    assert dataset.image_shape == (3, 10, 12)
    scaled = Image.fromarray(noise(0)).resize((12, 10), Image.Resampling.BILINEAR)
    assert has(dataset, np.asarray(scaled))
    assert dataset.notes == (
        f"pictures of another shape than 12 x 10, stretched or squeezed: 1 ({tmp_path / 'b' / 'wide.png'})",
    )


@pytest.mark.parametrize(("convert", "channels"), [("grey", 1), ("rgb", 3)])
def test_convert_makes_grey_and_coloured_pictures_alike(tmp_path, convert, channels):
    fill(tmp_path, {"a": 10, "b": 10})
    save(tmp_path / "b" / "grey.png", noise(50, channels=1))
    message = refusal(tmp_path)
    assert f"{tmp_path / 'a' / '000.png'} is in colour, {tmp_path / 'b' / 'grey.png'} is grey" in message
    assert f"write 'imagefolder:{tmp_path}?convert=rgb' or convert=grey" in message
    dataset = load(tmp_path, f"?convert={convert}")
    assert dataset.image_shape.channels == channels
    assert has(dataset, np.asarray(Image.fromarray(noise(50, channels=1)).convert("L" if channels == 1 else "RGB")))


def test_a_refusal_keeps_the_options_that_are_there(tmp_path):
    fill(tmp_path, {"a": 10, "b": 10})
    save(tmp_path / "b" / "grey.png", noise(50, width=9, channels=1))
    assert f"'imagefolder:{tmp_path}?resize=6x5&convert=rgb'" in refusal(tmp_path, "?resize=6x5")


def test_test_pictures_of_another_size_are_refused_with_what_to_write(tmp_path):
    fill(tmp_path / "train", {"a": 10, "b": 10})
    for name in "ab":
        save(tmp_path / "test" / name / "x.png", noise(60, width=9))
    assert f"as in 'imagefolder:{tmp_path}?resize=6x5&convert=rgb'" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("name", "pixels", "mode"),
    [
        ("deep.png", np.arange(30, dtype=np.uint16).reshape(5, 6) * 2000, "I;16"),
        ("float.tif", np.arange(30, dtype=np.float32).reshape(5, 6), "F"),
        ("whole.tif", np.arange(30, dtype=np.int32).reshape(5, 6), "I"),
    ],
)
@pytest.mark.parametrize("options", ["", "?convert=grey", "?convert=rgb"])
def test_levels_beyond_8_bits_are_refused(tmp_path, name, pixels, mode, options):
    fill(tmp_path, {"a": 10, "b": 10}, mode="L")
    save(tmp_path / "a" / name, pixels)
    assert f"{tmp_path / 'a' / name} has pixels of mode {mode}, not 8 bits a channel" in refusal(tmp_path, options)


def test_cmyk_is_converted_and_said(tmp_path):
    fill(tmp_path, {"a": 10, "b": 10}, suffix=".tif", mode="CMYK")
    dataset = load(tmp_path)
    assert has(dataset, noise(0))
    (note,) = dataset.notes
    assert note.startswith("pictures in CMYK, converted to RGB without a colour profile: 20 (")


@pytest.mark.parametrize("suffix", [".gif", ".tiff", ".png", ".webp"])
def test_only_the_first_of_several_frames_is_read_and_that_is_said(tmp_path, suffix):
    fill(tmp_path, {"a": 10, "b": 10})
    frames = [Image.fromarray(np.full((5, 6, 3), level, np.uint8)) for level in (10, 90, 200)]
    lossless = {"lossless": True} if suffix == ".webp" else {}
    save(tmp_path / "a" / f"film{suffix}", frames[0], save_all=True, append_images=frames[1:], **lossless)
    dataset = load(tmp_path)
    assert has(dataset, np.full((5, 6, 3), 10, np.uint8))
    (note,) = dataset.notes
    assert note == f"pictures of several frames, of which the first is read: 1 ({tmp_path / 'a' / f'film{suffix}'})"


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "has 0 bytes"), (b"<html>", "cannot be decoded as an image"), (None, "cannot be decoded as an image")],
)
def test_a_file_that_is_no_whole_picture_is_refused_by_name(tmp_path, content, words):
    fill(tmp_path, {"a": 10, "b": 10})
    path = tmp_path / "b" / "003.png"
    path.write_bytes(path.read_bytes()[:60] if content is None else content)
    assert f"{path} {words}" in refusal(tmp_path)
