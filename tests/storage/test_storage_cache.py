"""What a cache gives back is what was kept, within its limit, or nothing."""

import logging
import os
from pathlib import Path

import pytest

from automl.errors import StoreError
from automl.storage.cache import CacheFolder
from automl.storage.store import list_studies

ENTRY_BYTES = 100


@pytest.fixture
def cache(tmp_path):
    return CacheFolder.at(str(tmp_path), limit_bytes=10 * ENTRY_BYTES)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / ".cache"


def content_of(key: str) -> bytes:
    header_bytes = 47
    return key.encode() * ((ENTRY_BYTES - header_bytes) // len(key))


def keep(cache, folder, key, *, used):
    """Keep an entry that was last used so many seconds after the beginning."""
    with cache.held(key):
        cache.write(key, content_of(key))
    if (folder / f"{key}.used").exists():
        os.utime(folder / f"{key}.used", (used, used))


def read(cache, key):
    with cache.held(key):
        return cache.read(key)


@pytest.mark.parametrize("root", ["path", "uri", "memory"])
def test_an_entry_reads_back_by_path_and_by_uri(root, tmp_path):
    at = {"path": str(tmp_path), "uri": f"file://{tmp_path}", "memory": f"fsspec+memory://{tmp_path.name}"}[root]
    cache = CacheFolder.at(at, limit_bytes=300)
    assert (cache.keys(), cache.has("a"), read(cache, "a")) == (frozenset(), False, None)
    for key in ("a", "b", "c"):
        with cache.held(key):
            cache.write(key, key.encode() * 100)
    assert (cache.keys(), cache.has("a"), cache.has("b")) == ({"b", "c"}, False, True)
    assert (read(cache, "a"), read(cache, "b")) == (None, b"b" * 100)


def test_a_cache_is_no_study(cache, folder, tmp_path):
    keep(cache, folder, "a", used=0)
    assert folder.exists()
    assert list_studies(str(tmp_path)) == []


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda _: b"", lambda data: b"automl-cache-9\n" + data[15:]]
)
def test_a_torn_entry_is_a_miss_with_a_warning(damage, cache, folder, caplog):
    keep(cache, folder, "a", used=0)
    file = folder / "a.entry"
    file.write_bytes(damage(file.read_bytes()))
    with caplog.at_level(logging.WARNING):
        assert read(cache, "a") is None
    assert "a.entry cannot be used, and is made again" in caplog.text
    assert not cache.has("a")
    keep(cache, folder, "a", used=0)
    assert read(cache, "a") == content_of("a")


def test_what_was_not_used_for_longest_makes_room(cache, folder):
    for used, key in enumerate("abcdefghij"):
        keep(cache, folder, key, used=used)
    assert cache.keys() == set("abcdefghij")
    assert read(cache, "a") is not None  # used now
    keep(cache, folder, "k", used=11)
    keep(cache, folder, "l", used=12)
    assert cache.keys() == set("adefghijkl")


def test_room_is_never_made_of_what_is_in_use(cache, folder):
    for used, key in enumerate("abcdefghij"):
        keep(cache, folder, key, used=used)
    with cache.held("a"), cache.held("b"):
        keep(cache, folder, "k", used=10)
        assert cache.keys() == set("abdefghijk")


def test_what_is_larger_than_the_cache_is_not_kept(cache, caplog):
    with cache.held("a"), caplog.at_level(logging.WARNING):
        cache.write("a", bytes(20 * ENTRY_BYTES))
    assert cache.keys() == frozenset()
    assert "--cache-size" in caplog.text


def test_nothing_but_entries_is_left_behind(cache, folder):
    for used, key in enumerate("abcdefghijklmnop"):
        keep(cache, folder, key, used=used)
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert names == {f"{key}{suffix}" for key in "ghijklmnop" for suffix in (".entry", ".used")}


def test_a_cache_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / ".cache").write_text("not a folder")
    cache = CacheFolder.at(str(tmp_path), limit_bytes=1000)
    with pytest.raises(StoreError, match=r"cannot write .*\.cache/a\.entry"):
        cache.write("a", b"a")


def test_the_limit_holds_whatever_writes_at_once(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    caches = [CacheFolder.at(str(tmp_path), limit_bytes=10 * ENTRY_BYTES) for _ in range(4)]

    def write(number):
        cache, key = caches[number % 4], f"k{number:02}"
        with cache.held(key):
            cache.write(key, content_of(key))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(40)))
    assert sum(file.stat().st_size for file in Path(tmp_path, ".cache").glob("*.entry")) <= 10 * ENTRY_BYTES
    assert len(caches[0].keys()) >= 5
