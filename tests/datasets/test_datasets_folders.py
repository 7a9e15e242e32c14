"""What is in a folder is read or named; nothing that stands there is passed over in silence."""

import os

import pytest
from picture_files import fill, noise, save

from automl.datasets.load import load_dataset
from automl.errors import DatasetError


def load(folder):
    return load_dataset(f"imagefolder:{folder}")


def refusal(folder):
    with pytest.raises(DatasetError) as caught:
        load(folder)
    return str(caught.value)


def total(dataset):
    return len(dataset.train) + len(dataset.validation) + len(dataset.test)


@pytest.mark.parametrize(
    "hidden",
    [
        "a/.ipynb_checkpoints/000-checkpoint.png",
        "a/deep/.cache/x.png",
        ".git/x.png",
        "__MACOSX/a/000.png",
        "a/__MACOSX/._000.png",
        "a/._000.png",
        "a/.hidden.png",
        "a/@eaDir/000.png",
        "a/.DS_Store",
        "a/Thumbs.db",
        "a/desktop.ini",
    ],
)
def test_what_is_hidden_is_skipped_at_any_depth(tmp_path, hidden):
    fill(tmp_path, {"a": 10, "b": 10})
    (tmp_path / hidden).parent.mkdir(parents=True, exist_ok=True)
    if hidden.endswith(".png"):
        save(tmp_path / hidden, noise(50))
    else:
        (tmp_path / hidden).write_bytes(b"\0")
    dataset = load(tmp_path)
    assert total(dataset) == 20
    assert dataset.task.outputs == 2
    assert dataset.notes == ()


def test_a_data_set_below_a_hidden_folder_is_read(tmp_path):
    fill(tmp_path / ".cache" / "set", {"a": 10, "b": 10})
    assert total(load(tmp_path / ".cache" / "set")) == 20


def test_other_files_and_pictures_without_a_class_are_named(tmp_path):
    fill(tmp_path, {"a": 10, "b": 10})
    for name in ("a/labels.txt", "b/000.npy", "readme.md"):
        (tmp_path / name).write_text("not a picture")
    save(tmp_path / "cover.png", noise(50))
    dataset = load(tmp_path)
    assert total(dataset) == 20
    files = f"{tmp_path / 'a' / 'labels.txt'}, {tmp_path / 'b' / '000.npy'}"
    assert dataset.notes == (
        f"pictures in no class folder, not read: 1 ({tmp_path / 'cover.png'})",
        f"files in class folders that are no pictures and are not read: 2 ({files})",
    )


def test_folders_inside_a_class_are_read_and_named(tmp_path):
    fill(tmp_path, {"a": 10, "b": 10})
    fill(tmp_path / "a" / "in", {"doors": 3}, first_seed=50)
    dataset = load(tmp_path)
    assert total(dataset) == 23
    assert dataset.class_names == ("a", "b")
    assert dataset.notes == (
        f"folders inside a class folder, read as that class: 1 ({tmp_path / 'a' / 'in' / 'doors'})",
    )


def test_suffixes_in_any_case_are_pictures(tmp_path):
    fill(tmp_path, {"a": 5, "b": 5}, suffix=".PNG")
    fill(tmp_path, {"a": 5, "b": 5}, suffix=".Tif", first_seed=50)
    assert total(load(tmp_path)) == 20


def test_links_to_files_and_folders_are_followed(tmp_path):
    fill(tmp_path / "set", {"a": 10, "b": 10})
    fill(tmp_path / "elsewhere", {"c": 4}, first_seed=50)
    save(tmp_path / "one.png", noise(90))
    (tmp_path / "set" / "c").symlink_to(tmp_path / "elsewhere" / "c")
    (tmp_path / "set" / "a" / "more").symlink_to(tmp_path / "elsewhere" / "c")
    (tmp_path / "set" / "b" / "one.png").symlink_to(tmp_path / "one.png")
    dataset = load(tmp_path / "set")
    assert dataset.class_names == ("a", "b", "c")
    assert total(dataset) == 20 + 4 + 4 + 1


def test_links_that_lead_nowhere_or_back_are_refused_by_name(tmp_path):
    fill(tmp_path, {"a": 10, "b": 10})
    (tmp_path / "a" / "gone.png").symlink_to(tmp_path / "missing.png")
    assert f"{tmp_path / 'a' / 'gone.png'} cannot be decoded" in refusal(tmp_path)
    (tmp_path / "a" / "gone.png").unlink()
    (tmp_path / "a" / "loop").symlink_to(tmp_path / "a")
    assert f"{tmp_path / 'a' / 'loop'} is a link to a folder that it stands in: remove the link" in refusal(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to the superuser")
def test_a_folder_that_cannot_be_listed_is_refused_by_name(tmp_path):
    fill(tmp_path, {"a": 10, "b": 10})
    (tmp_path / "a").chmod(0)
    assert f"{tmp_path / 'a'} cannot be listed" in refusal(tmp_path)


def test_a_class_folder_without_pictures_is_refused(tmp_path):
    fill(tmp_path, {"a": 10, "b": 10})
    (tmp_path / "c").mkdir()
    assert f"{tmp_path / 'c'} holds no pictures: add some (.apng" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["val", "valid", "validation", "Val", "VALIDATION"])
def test_a_validation_folder_is_used_as_validation(tmp_path, name):
    fill(tmp_path / "train", {"a": 10, "b": 10})
    fill(tmp_path / name, {"a": 3, "b": 4}, first_seed=100)
    fill(tmp_path / "test", {"a": 2, "b": 2}, first_seed=200)
    dataset = load(tmp_path)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (20, 7, 4)
    assert sorted(dataset.validation.labels) == [0, 0, 0, 1, 1, 1, 1]
    published = {noise(seed).transpose(2, 0, 1).tobytes() for seed in range(100, 107)}
    assert {image.tobytes() for image in dataset.validation.images} == published
    assert dataset.notes == ()


def test_test_images_are_set_aside_beside_a_validation_folder_alone_and_that_is_said(tmp_path):
    fill(tmp_path / "train", {"a": 10, "b": 10})
    fill(tmp_path / "val", {"a": 3, "b": 4}, first_seed=100)
    dataset = load(tmp_path)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (16, 7, 4)
    assert dataset.notes == ("there is no test set beside the validation set: 4 training images are set aside as test",)


@pytest.mark.parametrize(("train", "test"), [("Train", "TEST"), ("training", "testing")])
def test_split_folders_are_known_by_the_names_that_people_give_them(tmp_path, train, test):
    fill(tmp_path / train, {"a": 10, "b": 10})
    fill(tmp_path / test, {"a": 2, "b": 2}, first_seed=100)
    dataset = load(tmp_path)
    assert dataset.class_names == ("a", "b")
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (16, 4, 4)


def test_a_class_may_be_called_train(tmp_path):
    fill(tmp_path, {"plane": 10, "train": 10})
    assert load(tmp_path).class_names == ("plane", "train")


def test_folders_beside_the_splits_are_named_as_unread(tmp_path):
    fill(tmp_path / "train", {"a": 10, "b": 10})
    fill(tmp_path / "test", {"a": 2, "b": 2}, first_seed=100)
    fill(tmp_path / "extra", {"a": 2, "b": 2}, first_seed=200)
    assert load(tmp_path).notes == (f"not read, since {tmp_path} has train/, test/: extra/",)


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        (["train", "val", "valid"], "has val/ and valid/, both for validation: keep one"),
        (["train", "Train", "test"], "both for train: keep one"),
        (["val", "test"], "has no train/ beside its val/"),
        (["train"], "has no test/ beside its train/"),
    ],
)
def test_folders_that_leave_the_splits_open_are_refused(tmp_path, folders, words):
    for at, name in enumerate(folders):
        fill(tmp_path / name, {"a": 5, "b": 5}, first_seed=100 * at)
    assert words in refusal(tmp_path)


def test_a_test_folder_without_classes_is_refused(tmp_path):
    fill(tmp_path / "train", {"a": 10, "b": 10})
    save(tmp_path / "test" / "1.png", noise(50))
    assert f"{tmp_path / 'test'} has no class folders, as {tmp_path / 'train'} has" in refusal(tmp_path)
