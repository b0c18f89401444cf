"""The structures that may be chosen for a recording, from the one that says most to the one that says nothing.

    rigid bodies    M(q) and V(q) trigonometric polynomials of joint angles, polynomials of positions
    networks        M constant or a network of q, V a network
    + constants of the episode, controls B(q) u, magnetic forces, friction that sticks, friction that is learned, and
      a residual force
    no energy       networks for the acceleration, or for the whole rate of change

All that have an energy have viscous friction at first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from hnn_gym.models import Architecture, Baseline, MechanicalHNN, SecondOrderBaseline, Variables
from hnn_gym.physics.integrators import Integrator, Leapfrog, Substeps, SymplecticEuler

RESIDUAL = (24,)
"""Units of a residual force."""
_MOST_SUMS = 10_000
"""Combinations of angles with the coefficients -1, 0 and 1 that are worth enumerating."""
DRY = Substeps(Leapfrog(), 4)
"""The scheme of kicks through which dry friction is fitted, where that of the recording has none."""


@dataclass(frozen=True)
class Structure:
    """A model that may be chosen.

    Attributes:
        label: for people.
        architecture: the model.
    """

    label: str
    architecture: Architecture


def rigid_bodies(variables: Variables) -> Structure:
    """Polynomials for M(q) and V(q); M is constant where one degree of freedom moves."""
    mass = "full" if _moving(variables) > 1 else "constant"
    return Structure("rigid bodies", MechanicalHNN(variables, hidden=(), damping=True, mass_matrix=mass))  # type: ignore[arg-type]


def magnetic_bodies(variables: Variables) -> Structure | None:
    """The same with a polynomial A(q), for forces across the motion; None where one degree of freedom moves."""
    if _moving(variables) == 1:
        return None
    rigid = rigid_bodies(variables)
    assert isinstance(rigid.architecture, MechanicalHNN)
    return Structure(f"{rigid.label}, magnetic forces", replace(rigid.architecture, magnetic=True))


def polynomials(variables: Variables) -> list[Structure]:
    """Rigid bodies without and with magnetic forces; none of them where the sums of angles would be too many."""
    if 3 ** sum(variables.angles) > _MOST_SUMS:
        return []
    structures = rigid_bodies(variables), magnetic_bodies(variables)
    return [structure for structure in structures if structure is not None]


def networks(variables: Variables) -> Iterator[Structure]:
    """Networks for V(q) and M(q)."""
    plain = MechanicalHNN(variables, hidden=(16,), damping=True)
    yield Structure("constant masses, V a network", plain)
    yield Structure("M(q) and V networks", replace(plain, mass_matrix="full"))


def second_order(variables: Variables, *, units: int = 32) -> Structure:
    """A network for the acceleration."""
    return Structure("second-order network", SecondOrderBaseline(variables, hidden=(units,)))


def first_order(variables: Variables) -> Structure:
    """A network for the rates of positions and momenta."""
    return Structure("first-order network", Baseline(variables, hidden=(32,)))


def extensions(base: Structure, scheme: Integrator, seen: Variables) -> Iterator[tuple[Structure, Integrator]]:
    """What may explain more than a mechanical model does, with the scheme to fit it through.

    Args:
        base: the model.
        scheme: the scheme that made the recording, which may have no kicks in which dry friction could act.
        seen: the variables with the constants of the episode, which the first models do not see.
    """
    model = base.architecture
    assert isinstance(model, MechanicalHNN)
    if seen != model.variables:
        yield Structure(f"{base.label}, constants of the episode", replace(model, variables=seen)), scheme
    if seen.control_degrees:
        yield Structure(f"{base.label}, controls B(q) u", replace(model, control_map=(12,))), scheme
    if _moving(seen) > 1 and not model.magnetic:
        yield Structure(f"{base.label}, magnetic forces", replace(model, magnetic=True)), scheme
    kicks = scheme if isinstance(scheme, SymplecticEuler) else DRY
    yield Structure(f"{base.label}, dry friction", replace(model, dry=True)), kicks
    yield Structure(f"{base.label}, learned friction", replace(model, friction=(12,))), scheme


def with_residual(base: Structure) -> Structure:
    """The same with a residual force."""
    model = base.architecture
    assert isinstance(model, MechanicalHNN)
    return Structure(f"{base.label}, a residual force", replace(model, residual=RESIDUAL))


def without_friction(base: Structure) -> Structure | None:
    """The same without viscous friction; None where there is none."""
    model = base.architecture
    if not isinstance(model, MechanicalHNN) or not model.damping:
        return None
    return Structure(base.label, replace(model, damping=False))


def is_polynomial(architecture: Architecture) -> bool:
    """Whether all that is learned of an energy are coefficients, in which Lagrange's equations are linear."""
    return architecture.hyperparameters().get("hidden") in ((), [])


def _moving(variables: Variables) -> int:
    return int(variables.moving.sum())
