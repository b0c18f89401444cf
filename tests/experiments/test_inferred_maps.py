"""The count of maps that are inferred right: one recording, and what counts as a fault."""

from dataclasses import replace

import pytest
from rich.console import Console

from experiments.inferred_maps import Settings, _differences, measure
from hnn_gym.coordinates.inference import InferredMap
from hnn_gym.errors import InputError
from hnn_gym.systems import coordinates_of


def test_one_recording_is_inferred_right(tmp_path):
    settings = Settings(out=tmp_path / "maps.json", environments=("Spring-v0",), recordings=1)
    assert measure(settings, console=Console(quiet=True))["Spring-v0/noise 0"] == [[]]
    with pytest.raises(InputError, match="Ant-v5"):
        measure(replace(settings, environments=("Ant-v5",)), console=Console(quiet=True))


def test_a_wrong_map_has_faults():
    true = coordinates_of("CartPole-v1")
    assert _differences(true, 0.02, InferredMap(true, 0.02, ())) == []
    straight = replace(true, degrees=(true.degrees[0], replace(true.degrees[1], angle=False)))
    other = replace(straight, controls=(replace(true.controls[0], degree=1),), force_table=((-1.0,), (0.5,)))
    faults = _differences(true, 0.02, InferredMap(other, 0.03, ()))
    assert [fault.split(":")[0] for fault in faults] == [
        "degrees of freedom",
        "time step",
        "an action acts on q0, not on q1",
        "force table",
    ]
