"""Cells on a Ray cluster. Where Ray is not installed only the message about that is tested."""

from __future__ import annotations

import math
import sys
import threading
import time
import types
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hnn_gym.errors import InputError, StudyError
from hnn_gym.studies import Execution, RayExecutor, Results, on_ray, run_cells

COMMAND = "python -m my_study"
on_a_cluster = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install hnn-gym[ray]")


def slow_sum(seed: int) -> float:
    time.sleep(0.1)
    return float(np.random.default_rng(seed).normal(size=1000).sum())


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes of one core each; the second may be killed."""
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.second = cluster.add_node(num_cpus=1)
    # The first workers import Ray, which takes seconds, and no test should wait for it.
    with RayExecutor(cluster.address) as executor:
        for future in [executor.submit(time.sleep, 0.5) for _ in range(2)]:
            future.result()
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def test_without_ray_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r'pip install "hnn-gym\[ray\]", or choose processes'):
        RayExecutor()


@on_a_cluster
@pytest.mark.parametrize("address", ["127.0.0.1:6399", "ray://127.0.0.1:6399", "auto"])
def test_an_address_without_a_cluster_is_refused_at_once(address: str) -> None:
    began = time.monotonic()
    refused = pytest.raises(InputError, match=f"Ray cannot be used at '{address}'.*ray start --head")
    with refused, Execution("ray", address=address).opened():
        pass
    assert time.monotonic() - began < 10  # Ray itself tries for many minutes


@on_a_cluster
def test_errors_come_back_as_they_were_raised_with_the_traceback_of_the_worker(cluster: Any) -> None:
    results = Results(None, command=COMMAND)
    cells = {"good": partial(math.sqrt, 4.0), "bad": partial(math.sqrt, -1.0)}
    with Execution("ray", address=cluster.address).opened() as executor, pytest.raises(StudyError) as raised:
        run_cells(results, cells, executor=executor)
    assert results.below("") == {"good": 2.0}
    assert isinstance(raised.value.failed["bad"], ValueError)
    assert "On the worker" in raised.value.failed["bad"].__notes__[0]


class OddError(Exception):
    """An error that pickle cannot make again."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first}, {second}")


def odd() -> None:
    raise OddError("one", "two")


@on_a_cluster
def test_an_error_that_cannot_be_sent_comes_back_in_words(cluster: Any) -> None:
    with RayExecutor(cluster.address) as executor, pytest.raises(RuntimeError, match="OddError: one, two"):
        executor.submit(odd).result(timeout=60)


@on_a_cluster
def test_a_worker_with_another_version_of_the_package_says_so(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_ray, "_version", lambda: "9.9")
    with RayExecutor(cluster.address) as executor, pytest.raises(InputError, match=r"here it is 9\.9\. Install"):
        executor.submit(math.sqrt, 4.0).result()


@on_a_cluster
def test_a_function_that_cannot_be_pickled_is_refused(cluster: Any) -> None:
    with RayExecutor(cluster.address) as executor, pytest.raises(InputError, match="cannot be sent to another process"):
        executor.submit(threading.Lock().acquire)


@on_a_cluster
def test_a_node_that_dies_costs_no_cell_and_changes_no_bit(cluster: Any, tmp_path: Path) -> None:
    cells = {str(seed): partial(slow_sum, seed) for seed in range(20)}
    here = Results(tmp_path / "here.json", command=COMMAND)
    run_cells(here, cells)
    there = Results(tmp_path / "there.json", command=COMMAND)
    landed: list[str] = []

    def report(name: str, value: float) -> None:
        landed.append(name)
        if len(landed) == 5:
            cluster.remove_node(cluster.second, allow_graceful=False)

    with RayExecutor(cluster.address) as executor:
        run_cells(there, cells, executor=executor, report=report)
    assert len(landed) == 20
    assert (tmp_path / "here.json").read_bytes() == (tmp_path / "there.json").read_bytes()


@on_a_cluster
def test_a_worker_without_a_module_says_which(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("only_here")
    exec("def answer(): return 42", module.__dict__)
    monkeypatch.setitem(sys.modules, "only_here", module)  # as a folder that only this machine has
    with RayExecutor(cluster.address) as executor, pytest.raises(InputError, match="has no module 'only_here'"):
        executor.submit(module.answer).result(timeout=60)
