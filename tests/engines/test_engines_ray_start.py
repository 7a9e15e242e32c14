"""Ray starts where names are long and machines are busy, or says in a line what to do."""

import os
import tempfile

import pytest
import ray

from automl.engines import ray_start
from automl.engines.cluster import Cluster
from automl.engines.ray_engine import ray_cluster
from automl.errors import SearchError, UsageError


@pytest.fixture
def long_folder(tmp_path, monkeypatch):
    folder = tmp_path / ("t" * 120)
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    return folder


@pytest.mark.slow
@pytest.mark.usefixtures("long_folder")
def test_ray_starts_where_the_temporary_folder_has_a_long_name_and_leaves_nothing():
    with ray_cluster(Cluster(workers=1)):
        folder = ray._private.worker._global_node.get_temp_dir_path()
        assert ray.get(ray.remote(lambda: 7).remote()) == 7
    assert len(folder) < 40
    assert not os.path.exists(folder)  # noqa: PTH110 # Ray gives a string


def test_a_long_name_without_a_short_place_is_refused_with_the_remedy(long_folder, monkeypatch):
    monkeypatch.setattr(ray_start, "_SHORT_FOLDERS", (str(long_folder / "none"),))
    message = rf"{long_folder} has a name of {len(str(long_folder))} characters.*name a short one in RAY_TMPDIR"
    with pytest.raises(UsageError, match=message), ray_cluster(Cluster(workers=1)):
        pass


@pytest.mark.parametrize(("length", "is_usual"), [(39, True), (40, False)])
def test_the_usual_folder_serves_where_its_sockets_fit(length, is_usual, monkeypatch):
    monkeypatch.setenv("RAY_TMPDIR", "/" + "t" * (length - 1))
    longest = "/ray/session_2026-01-01_00-00-00_000000_0000000/sockets/plasma_store"
    assert (length + len(longest) <= 107) == is_usual
    with ray_start._socket_folder() as folder:
        assert (folder is None) == is_usual
        assert is_usual or folder.startswith(tempfile.gettempdir()[:4])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Ray ends its processes at exit
def test_a_start_that_times_out_says_how_to_wait_longer(monkeypatch):
    monkeypatch.setenv("RAY_gcs_server_port_wait_time_s", "0")
    message = r"Ray did not start on this machine, .* within 0 s: .*RAY_gcs_server_port_wait_time_s=120"
    with pytest.raises(SearchError, match=message), ray_cluster(Cluster(workers=1)):
        pass
    assert not ray.is_initialized()


@pytest.mark.parametrize("load", [0.0, 64.0])
def test_a_busy_machine_gets_more_time(load, monkeypatch):
    given = {}

    def note(**_):
        given["seconds"] = int(os.environ[ray_start._WAIT_VARIABLE])

    monkeypatch.delenv("RAY_gcs_server_port_wait_time_s", raising=False)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, load, load))
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    monkeypatch.setattr(ray, "init", note)
    ray_start._start({})
    assert given == {"seconds": 240 if load else 60}
    assert "RAY_gcs_server_port_wait_time_s" not in os.environ


def test_a_start_that_ray_gives_up_too_early_is_tried_again(monkeypatch):
    tries = []

    def time_out(**_):
        tries.append(1)
        if len(tries) < 3:
            raise Exception("The current node timed out during startup.")  # noqa: TRY002 # as Ray does

    monkeypatch.setattr(ray, "init", time_out)
    ray_start._start({})
    assert len(tries) == 3


@pytest.mark.slow
def test_a_connection_that_a_program_has_already_is_left_to_it():
    with ray_cluster(Cluster(workers=1)):
        with pytest.raises(UsageError, match=r"call ray\.shutdown\(\) first"), ray_cluster(Cluster(workers=1)):
            pytest.fail("it was taken over")
        assert ray.get(ray.remote(lambda: 7).remote()) == 7
