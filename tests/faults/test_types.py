"""What users construct refuses a value of another type than the argument declares, by one error that names it."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hnn_gym
from benchmarks.faults.right_constructors import constructors
from hnn_gym.agents import DynamicProgramming, linearise, train_agent
from hnn_gym.agents.train import TrainAgentSettings
from hnn_gym.data import FrameRule, PolicyChoice, episodes_in_processes
from hnn_gym.envs.build import build_simulator
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import InputError, check_fields
from hnn_gym.evaluate import EvaluateSettings
from hnn_gym.physics import Pendulum, PortHamiltonian
from hnn_gym.studies import Results, run_cells
from hnn_gym.systems import Coil, Disc, Line, Picture, Polygon, SpringHold, SpringSweep
from hnn_gym.train import TrainSettings
from hnn_gym.training import FitSettings

RESULTS = {
    "Bump", "Counterfactual", "Episodes", "EnergyCheck", "FitState", "Forecasts", "Progress", "Program", "Trajectory",
    "Transfer", "Transitions", "Unforced", "Windows",
}  # fmt: skip
"""What the package returns, and nobody constructs."""
OF_ANY_ARRAY = {"Structure", "checked", "iterate", "repeat", "split", "symplectic_gradient", "trace"}
"""What is computed with in every step, or while a program is traced, with arrays of any kind."""


WITH_A_WORLD = {"SimulatorOptions"}
"""Checked where a world is known."""


def public() -> dict[str, Any]:
    """Every public class and function, by its name, but for the types of annotations and errors."""
    found = {}
    for module in ("", *(f".{module.name}" for module in pkgutil.iter_modules(hnn_gym.__path__))):
        if module != ".__main__":
            package = importlib.import_module(f"hnn_gym{module}")
            for name in getattr(package, "__all__", ()):
                one = getattr(package, name)
                if inspect.isfunction(one) or (inspect.isclass(one) and not issubclass(one, Exception)):
                    found[name] = one
    return found


def test_everything_public_refuses_an_argument_of_no_type_that_it_declares() -> None:
    accepted, skipped = [], RESULTS | OF_ANY_ARRAY | WITH_A_WORLD
    for name, one in public().items():
        parameters = inspect.signature(one).parameters.values() if name not in skipped else ()
        named = [each for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
        needed = {each.name for each in named if each.default is each.empty}
        for each in named:
            try:
                one(**{argument: object() for argument in {*needed, each.name}})
            except InputError:
                continue
            except Exception as error:
                accepted.append(f"{name}({each.name}=object()): {error!r}")
            else:
                accepted.append(f"{name}({each.name}=object())")
    assert not accepted
    assert skipped <= set(public())


def test_an_argument_of_no_type_that_it_declares_is_refused() -> None:
    accepted = []
    for name, (function, right) in constructors().items():
        function(**right)
        for argument in right:
            for wrong in (object(), [object()], float("nan")):
                try:
                    function(**{**right, argument: wrong})
                except InputError:
                    continue
                accepted.append(f"{name}({argument}={wrong!r})")
    assert not accepted


@pytest.mark.parametrize("wrong", ["x", None, 0, -1.0, float("nan"), np.array([0.5, -0.1]), np.array(["x"])])
@pytest.mark.parametrize("task", [SpringHold, SpringSweep])
def test_a_target_that_the_reward_divides_by_is_above_0(task: type[SpringHold], wrong: Any) -> None:
    with pytest.raises(InputError, match=f"The target_energy of a {task.__name__} must"):
        task(target_energy=wrong)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Disc(np.zeros((2, 2)), 0.1), r"Disc needs points to be an array \(1, 2\), got one of shape \(2, 2\)"),
        (lambda: Line(np.zeros((1, 2))), r"Line needs points to be an array \(k, 2\) with k of at least 2"),
        (lambda: Polygon([0, 1]), r"Polygon needs points to be an array .* got \[0, 1\]"),
        (lambda: Coil(np.zeros((2, 2)), colour="red"), "Coil needs colour to be one of ground, .* got 'red'"),
        (lambda: Disc(np.zeros((1, 2)), "wide"), "Disc needs radius to be a number"),
        (lambda: Picture(("disc",), 1.0), "Picture needs shapes"),
        (lambda: Picture((), 0.0), "half_width of a Picture must be a finite number greater than 0"),
    ],
)
def test_a_picture_that_cannot_be_drawn_is_refused_where_it_is_described(make: Any, named: str) -> None:
    with pytest.raises(InputError, match=named):
        make()


@pytest.mark.parametrize("wrong", ["x", None, 3, Pendulum])
def test_dynamics_need_a_hamiltonian_and_not_its_class(wrong: Any) -> None:
    with pytest.raises(InputError, match="PortHamiltonian needs hamiltonian to be a Hamiltonian"):
        PortHamiltonian(wrong)


def test_a_whole_number_that_no_float_can_hold_is_no_number() -> None:
    with pytest.raises(InputError, match="Pendulum needs mass to be a number"):
        Pendulum(mass=10**400)
    with pytest.raises(InputError, match="learning_rate must be a finite number"):
        FitSettings(learning_rate=10**400)


def test_a_hamiltonian_of_ones_own_needs_its_methods_and_no_base_class() -> None:
    class Free:
        n = 1

        def energy(self, x: Any) -> Any:
            return x[..., 1] ** 2 / 2

        def gradient(self, x: Any) -> Any:
            return x * [0, 1]

        def momentum(self, q: Any, v: Any) -> Any:
            return v

        def velocity(self, q: Any, p: Any) -> Any:
            return p

    assert PortHamiltonian(Free()).n == 1
    Free.gradient = None  # type: ignore[assignment,method-assign]
    with pytest.raises(InputError, match="hamiltonian"):
        PortHamiltonian(Free())


def test_recording_processes_take_a_policy_and_not_its_name() -> None:
    def make(writer: Any) -> Any:
        raise AssertionError("no process is started")

    with pytest.raises(InputError, match="policy to be a PolicyChoice, got 'random'"):
        episodes_in_processes(make, policy="random", steps=2, seed=0, workers=1)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="first_episode"):
        episodes_in_processes(make, policy=PolicyChoice(), steps=2, seed=0, first_episode=-1, workers=1)


def test_a_field_that_is_inherited_is_named_with_its_type_and_a_local_type_is_not_checked() -> None:
    class Local:
        pass

    @dataclass(frozen=True)
    class Base:
        size: float | None = None

        def __post_init__(self) -> None:
            check_fields(self)

    @dataclass(frozen=True)
    class Derived(Base):
        name: str = "x"

    @dataclass(frozen=True)
    class Unknown(Base):
        part: Local | None = None

    with pytest.raises(InputError, match=r"Derived needs size to be of the type float \| None, got 'x'"):
        Derived(size="x")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="Unknown needs size"):
        Unknown(size="x")  # type: ignore[arg-type]
    assert Unknown(part="x").part == "x"  # type: ignore[arg-type,comparison-overlap]


@pytest.mark.parametrize("wrong", [np.float64(1), np.array(1.0), np.array(["x"]), np.array([1j]), np.array([None])])
def test_an_array_has_an_axis_and_holds_numbers(wrong: Any) -> None:
    with pytest.raises(InputError, match="needs x to be a ndarray"):
        linearise(resolve_world("HNNPendulum-v0"), wrong, np.zeros(1))


def test_numbers_of_numpy_become_those_of_python_which_json_can_hold() -> None:
    rule = FrameRule(np.int64(8), crop=(np.float32(0), np.float32(1), 0.0, 1.0))
    assert FrameRule.from_json(json.loads(json.dumps(rule.to_json()))) == rule
    assert {type(value) for value in (rule.size, *rule.crop)} == {int, float}


@pytest.mark.parametrize("number", [2**63, 10**400])
def test_a_whole_number_has_at_most_64_bits(number: int) -> None:
    for make in (lambda: FrameRule(number), lambda: FitSettings(seed=number), lambda: PolicyChoice(hold=number)):
        with pytest.raises(InputError):
            make()


def test_threads_and_seeds_have_the_bounds_of_what_takes_them() -> None:
    for make in (
        lambda: TrainSettings(Path("d"), out=Path("o"), threads=10**9),
        lambda: TrainAgentSettings(world="HNNPendulum-v0", out=Path("o"), threads=10**9),
        lambda: train_agent("HNNPendulum-v0", "ppo", seed=2**32),
    ):
        with pytest.raises(InputError, match="at most"):
            make()


def test_values_on_a_grid_that_no_memory_holds_are_refused_before_they_are_computed() -> None:
    with pytest.raises(InputError, match="GB are used: choose fewer nodes"):
        DynamicProgramming([build_simulator("HNNPendulum-v0")], steps=10**9)


def test_a_missing_argument_is_named_with_its_function_as_python_does() -> None:
    with pytest.raises(TypeError, match=r"linearise\(\) missing 2 required positional arguments"):
        linearise(resolve_world("HNNPendulum-v0"))  # type: ignore[call-arg]


def test_a_policy_is_checked_where_the_recording_is_a_dataset_too() -> None:
    with pytest.raises(InputError, match="policy"):
        EvaluateSettings("HNNPendulum-v0", on="data.zarr", policy="{")


def test_a_text_may_stand_for_a_path() -> None:
    assert TrainSettings("d", out="o").out == Path("o")  # type: ignore[arg-type]
    assert Results("r.json", command="x").path == Path("r.json").resolve()  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ['{"a": ' * 50_000 + "1" + "}" * 50_000, "[1]", "x"])
def test_results_of_a_study_that_are_damaged_are_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(InputError, match=r"r\.json does not hold results"):
        Results(tmp_path / "r.json", command="x")


def test_the_other_types_are_checked_where_one_is_known_to_type_checkers_alone() -> None:
    with pytest.raises(InputError, match="run_cells needs results to be a Results, got 'x'"):
        run_cells("x", {})  # type: ignore[arg-type]
