"""Units and decays of the network in the tables of published benchmarks."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.network_tuning import COMMAND, DECAYS, FEWEST, FOUND, JUDGES, MOST, chosen, missing, tried
from experiments.structures import NETWORK, NETWORKS, structure_of
from hnn_gym.errors import InputError
from hnn_gym.studies import Results

STORED = Results(Path(__file__).parents[2] / FOUND, command=COMMAND)


@pytest.mark.parametrize("task", JUDGES)
def test_every_network_is_the_one_that_the_stored_results_choose(task):
    assert NETWORKS[task] == chosen(STORED, task)
    units, _ = NETWORKS[task]
    neighbours = {units // 2, 2 * units} & set(range(FEWEST, MOST + 1))
    assert neighbours <= {size for size, _ in tried(STORED, task)}
    assert structure_of(NETWORK, task).options == {"hidden": (units,)}


def test_a_structure_or_a_task_of_no_table_is_refused_with_those_that_there_are():
    with pytest.raises(InputError, match=r"no structure 'chian': choose from chain, general M\(q\), second-order"):
        structure_of("chian", "symoden/pendulum")
    with pytest.raises(InputError, match="chosen for the task 'chains/4': choose from symoden/pendulum"):
        structure_of(NETWORK, "chains/4")


def test_units_are_doubled_until_more_are_worse_and_then_decays_are_compared():
    errors = {16: 0.3, 32: 0.2, 64: 0.1, 128: 0.15}
    results = Results(None, command="a test")
    asked = []
    while found := list(missing(results, "a task")):
        asked.append(found)
        for units, decay in found:
            results[f"a task/{units}/{decay:g}"] = {"error": errors[units] - 0.05 * (decay == DECAYS[3])}
    first = DECAYS[0]
    assert asked == [
        [(16, first), (32, first), (64, first)],
        [(128, first)],
        [(64, decay) for decay in DECAYS[1:]],
        [(64, 1e-3)],
    ]
    assert chosen(results, "a task") == (64, DECAYS[3])
