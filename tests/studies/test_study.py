"""Cells land one by one, whatever computes them, and what is missing is computed by the next run."""

from __future__ import annotations

import contextlib
import io
import json
import math
import multiprocessing
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from hnn_gym.errors import InputError, StudyError
from hnn_gym.files.path_lock import PathLock
from hnn_gym.studies import Execution, Processes, Results, run_cells

COMMAND = "python -m my_study"
STUDY = """
import os, sys, time
from functools import partial
from pathlib import Path
from hnn_gym.studies import Processes, Results, run_cells

def cell(folder, number):
    with (Path(folder) / "computed").open("a") as log:
        log.write(f"{number}\\n")
    if number >= 3:
        time.sleep(float(sys.argv[2]) if len(sys.argv) > 2 else 60)
    return number / 3

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    results = Results(folder / "results.json", command="python -m my_study")
    cells = {str(number): partial(cell, folder, number) for number in range(5)}
    with Processes(1) as processes:
        run_cells(results, cells, executor=processes)
"""


def sums(seed: int) -> dict[str, float]:
    """A result whose last bits depend on the order of additions."""
    values = np.random.default_rng(seed).normal(size=1000)
    return {"sum": float(values.sum()), "product": float((values @ np.outer(values, values)).sum())}


def test_processes_return_what_this_process_returns_bit_for_bit(tmp_path: Path) -> None:
    cells = {f"sums/{seed}": partial(sums, seed) for seed in range(8)}
    here = Results(tmp_path / "here.json", command=COMMAND)
    run_cells(here, cells)
    there = Results(tmp_path / "there.json", command=COMMAND)
    with Processes(2) as processes:
        run_cells(there, cells, executor=processes)
    assert (tmp_path / "here.json").read_bytes() == (tmp_path / "there.json").read_bytes()


def test_a_process_of_the_pool_has_one_thread_and_this_one_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS")
    with Processes(1) as processes:
        assert processes.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ


def test_a_second_run_computes_only_what_is_missing(tmp_path: Path) -> None:
    computed: list[int] = []

    def cell(number: int) -> int:
        computed.append(number)
        return number

    path = tmp_path / "deeper" / "results.json"
    run_cells(Results(path, command=COMMAND), {str(i): partial(cell, i) for i in (0, 1)})
    reported: list[str] = []
    with ThreadPoolExecutor() as threads:
        run_cells(
            Results(path, command=COMMAND),
            {str(i): partial(cell, i) for i in range(4)},
            executor=threads,
            report=lambda name, value: reported.append(name),
        )
    assert sorted(computed) == [0, 1, 2, 3]
    assert sorted(reported) == ["2", "3"]
    assert Results(path, command=COMMAND).below("") == {str(i): i for i in range(4)}


@pytest.mark.parametrize("threads", [False, True])
def test_a_failed_cell_is_reported_and_the_others_land(tmp_path: Path, threads: bool) -> None:
    cells = {"good/0": partial(math.sqrt, 4.0), "bad": partial(math.sqrt, -1.0), "good/1": partial(math.sqrt, 9.0)}
    results, shown = Results(tmp_path / "results.json", command=COMMAND), io.StringIO()
    executor = ThreadPoolExecutor(1) if threads else None
    with pytest.raises(StudyError, match="1 of 3 cells were not computed") as raised:
        run_cells(results, cells, executor=executor, console=Console(file=shown))
    assert list(raised.value.failed) == ["bad"]
    assert results.below("good/") == {"0": 2.0, "1": 3.0}
    assert "bad failed:" in shown.getvalue()
    assert "ValueError" in shown.getvalue()
    assert "3/3" in shown.getvalue()


def test_a_result_that_json_cannot_hold_fails_its_own_cell_alone(tmp_path: Path) -> None:
    results = Results(tmp_path / "results.json", command=COMMAND)
    with pytest.raises(StudyError, match="'array' cannot be kept as JSON"):
        run_cells(results, {"array": partial(np.zeros, 2), "number": partial(float, 1)})
    assert json.loads((tmp_path / "results.json").read_text())["measurements"] == {"number": 1.0}


def test_a_process_that_dies_costs_what_was_not_computed_and_no_more(tmp_path: Path) -> None:
    results = Results(tmp_path / "results.json", command=COMMAND)
    cells = {"first": partial(float, 1), "dies": partial(os._exit, 1), "waits": partial(float, 2)}
    with pytest.raises(StudyError, match="terminated abruptly"), Processes(1) as processes:
        run_cells(results, cells, executor=processes)
    assert "first" in results
    assert "dies" not in results


def test_an_error_in_the_block_ends_the_processes_and_their_work_before_it_is_left() -> None:
    with contextlib.suppress(KeyError), Processes(1) as processes:
        work = [processes.submit(time.sleep, 60) for _ in range(4)]
        raise KeyError
    assert all(future.done() for future in work)
    assert not multiprocessing.active_children()


def test_a_cell_that_cannot_be_pickled_is_named_with_the_remedy() -> None:
    refused = pytest.raises(StudyError, match=r"local: InputError: .*give functools.partial of a function of a module")
    with refused, Processes(1) as processes:
        run_cells(Results(None, command=COMMAND), {"local": lambda: 1}, executor=processes)


def test_a_process_that_imports_the_program_that_started_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(multiprocessing.current_process(), "_inheriting", True, raising=False)
    with pytest.raises(InputError, match='if __name__ == "__main__"'):
        Processes(1)


def test_two_studies_never_write_the_same_results_at_once(tmp_path: Path) -> None:
    results = Results(tmp_path / "results.json", command=COMMAND)
    lock = PathLock(tmp_path / "results.json")
    lock.acquire(wait=False)
    with pytest.raises(InputError, match="is being written by process"):
        run_cells(results, {"a": partial(float, 1)})
    lock.release()
    run_cells(results, {"a": partial(float, 1)})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results.json"]


def test_a_study_that_was_killed_continues_and_leaves_no_process_behind(tmp_path: Path) -> None:
    program = tmp_path / "my_study.py"
    program.write_text(STUDY)
    first = subprocess.Popen([sys.executable, str(program), str(tmp_path)])
    log = tmp_path / "computed"
    wait_for(lambda: log.exists() and log.read_text().split() == ["0", "1", "2", "3"])  # the fourth never ends
    wait_for(lambda: len(Results(tmp_path / "results.json", command=COMMAND).below("")) == 3)
    workers = children(first.pid)
    assert workers
    first.kill()
    first.wait()
    wait_for(lambda: not any(alive(pid) for pid in workers))
    landed = Results(tmp_path / "results.json", command=COMMAND).below("")
    assert landed == {"0": 0.0, "1": 1 / 3, "2": 2 / 3}
    log.unlink()
    subprocess.run([sys.executable, str(program), str(tmp_path), "0"], check=True)
    assert log.read_text().split() == ["3", "4"]
    assert Results(tmp_path / "results.json", command=COMMAND).below("") == {str(i): i / 3 for i in range(5)}


def test_results_of_another_command_are_refused(tmp_path: Path) -> None:
    Results(tmp_path / "results.json", command=COMMAND)["a"] = 1
    with pytest.raises(InputError, match="does not hold results of python -m another"):
        Results(tmp_path / "results.json", command="python -m another")
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(InputError, match="does not hold results"):
        Results(tmp_path / "list.json", command=COMMAND)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 2}, "--workers 2 needs --executor processes or --executor ray"),
        ({"executor": "processes", "workers": 0}, "--workers must be at least 1"),
        ({"executor": "processes", "address": "auto"}, "--address auto is that of a Ray cluster"),
        ({"executor": "ray", "address": "auto", "workers": 2}, "leave --workers out"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Execution(**options)


def test_the_options_name_an_executor() -> None:
    with Execution().opened() as executor:
        assert executor is None
    with Execution("processes", workers=3).opened() as executor:
        assert isinstance(executor, Processes)
        assert executor._max_workers == 3


def wait_for(true) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, "it did not happen in 30 s"
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    """Processes whose parent is ``pid``; Linux lists them."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    if not listed.exists():
        pytest.skip("the children of a process are listed on Linux alone")
    return [int(child) for child in listed.read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
