"""The benchmark of compilers: what it gives the others is the same step, and it skips what is not installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import array_api_compat.numpy
import numpy as np
import pytest

from benchmarks import compilers
from benchmarks.compilers import Case, Settings, difference, plain_numpy
from benchmarks.printers import array_code, loop_code

ROUNDING = 100
"""In units of machine epsilon: a few for each of the hundred operations of a step."""


@pytest.fixture(params=["HNNPendulum-v0", "HNNTwoBody-v0"])
def case(request: pytest.FixtureRequest) -> Case:
    return Case.of(request.param, 5)


@pytest.mark.parametrize("rows_first", [False, True])
def test_code_for_array_libraries_computes_the_step(case: Case, rows_first: bool) -> None:
    step = array_code(case.program, array_api_compat.numpy, np.asarray, rows_first=rows_first)
    outputs, following = step(case.x, case.actions, *case.laid_out(rows_first=rows_first))
    found = dict(zip(case.program.outputs, outputs, strict=True))
    assert difference(found, plain_numpy(case)()) < ROUNDING
    assert [value.ndim for value in following] == [value.ndim for value in case.given]


def test_code_of_a_loop_over_states_computes_the_step(case: Case) -> None:
    found = {name: np.empty((5, *entries.shape)) for name, entries in case.program.outputs.items()}
    after = [np.empty_like(value) for value in case.given]
    loop_code(case.program)(case.x, case.actions, *case.given, *after, *found.values())
    expected = plain_numpy(case)()
    assert difference({k: v.astype(expected[k].dtype) for k, v in found.items()}, expected) < ROUNDING


def test_a_difference_is_in_units_of_rounding() -> None:
    one = {"x": np.array([1.0, 8.0]), "done": np.array([True, False])}
    assert difference(one, one) == 0
    assert difference(one | {"x": np.array([1.0, 8.0 + 16 * 2.0**-52])}, one) == pytest.approx(2)
    with pytest.raises(AssertionError, match="done differs"):
        difference(one | {"done": np.array([True, True])}, one)


def test_a_compiler_that_is_not_installed_is_skipped_with_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setitem(compilers.PACKAGES, "numba", ("no_such_package",))
    out = tmp_path / "compilers.json"
    compilers._main(Settings(only=("trace", "numba"), quick=True, out=out))
    assert "numba is skipped: install no_such_package to compare with it." in capsys.readouterr().out
    stored = json.loads(out.read_text())
    (row,) = (by_name for by_rows in stored["worlds"].values() for by_name in by_rows.values())
    assert list(row) == ["trace"]
    assert row["trace"]["steps_per_second"] > 0
    assert row["trace"]["difference_in_eps"] < ROUNDING
    assert stored["megabytes"] == {"trace": 0.0}
