"""A lease holds while it is renewed, and no longer."""

import pytest

from automl.engines.lease_table import LeaseTable


class Clock:
    seconds = 100.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def table(clock):
    return LeaseTable(lease_seconds=60, clock=clock)


def test_a_key_has_one_holder_until_it_is_released(table):
    assert table.acquire("a", "one")
    assert not table.acquire("a", "two")
    assert table.acquire("b", "two")
    table.release("a", "one")
    assert table.acquire("a", "two")


def test_another_cannot_release_a_key(table):
    table.acquire("a", "one")
    table.release("a", "two")
    table.release("b", "two")
    assert not table.acquire("a", "two")


def test_a_holder_that_says_nothing_loses_the_key_and_one_that_renews_keeps_it(table, clock):
    table.acquire("silent", "one")
    table.acquire("renewed", "one")
    clock.seconds += 50
    assert table.acquire("renewed", "one")
    clock.seconds += 50
    assert table.acquire("silent", "two")
    assert not table.acquire("renewed", "two")
    assert not table.acquire("silent", "one")
