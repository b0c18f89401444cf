"""What users construct refuses a value of another type than the argument declares, by one error that names it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from benchmarks.faults.right_constructors import constructors
from hnn_gym.data import PolicyChoice, episodes_in_processes
from hnn_gym.errors import InputError, check_fields
from hnn_gym.physics import Pendulum, PortHamiltonian
from hnn_gym.training import FitSettings


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
    assert Unknown(size="x").size == "x"  # type: ignore[arg-type]
