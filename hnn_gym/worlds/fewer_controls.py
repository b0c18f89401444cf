"""A world in which some of the controls exert nothing: the same physics and weights, and fewer entries of an action."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hnn_gym.errors import InputError, whole_number
from hnn_gym.models import Architecture, Parameters, check_shapes
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.worlds.world_model import WorldModel


def with_controls(world: WorldModel, controls: Sequence[int]) -> WorldModel:
    """Keep some of the controls of a world; the others exert nothing, as motors that are switched off.

    Args:
        world: a learned or true world.
        controls: which of its controls act, in the order of the actions that the new world takes.

    Raises:
        InputError: a number is no control of the world or is there twice, or none is given; the actions are whole
            numbers; or the model has learned the effect of all controls as one function.
    """
    kept, known = _numbers(controls), world.coordinates.controls
    if not kept or len(set(kept)) < len(kept) or max(kept) >= len(known):
        raise InputError(
            f"controls must be different numbers below {len(known)}, since this world has {len(known)} controls, and "
            f"they are {tuple(kept)}."
        )
    if world.coordinates.force_table is not None:
        raise InputError("controls cannot be chosen where actions are whole numbers: each stands for all forces.")
    coordinates = replace(world.coordinates, controls=tuple(known[i] for i in kept))
    if world.architecture is None or world.parameters is None:
        dynamics = world.dynamics
        if not isinstance(dynamics, PortHamiltonian) or dynamics.control is None or callable(dynamics.control):
            raise InputError("controls cannot be chosen here: the forces of the controls are one function of them all.")
        return replace(world, coordinates=coordinates, dynamics=replace(dynamics, control=dynamics.control[:, kept]))
    architecture, parameters = _fewer(world.architecture, world.parameters, kept)
    return replace(
        world,
        coordinates=coordinates,
        dynamics=architecture.build(parameters),
        architecture=architecture,
        parameters=parameters,
    )


def _numbers(controls: Sequence[int]) -> list[int]:
    if isinstance(controls, str) or not isinstance(controls, Sequence | np.ndarray) or np.ndim(controls) != 1:
        raise InputError(f"controls must be a tuple of numbers, such as (0,), not {controls!r}.")
    return [int(whole_number(number, "an entry of controls", at_least=0)) for number in controls]


def _fewer(architecture: Architecture, parameters: Parameters, kept: list[int]) -> tuple[Architecture, Parameters]:
    variables = replace(
        architecture.variables,
        control_degrees=tuple(architecture.variables.control_degrees[i] for i in kept),
        force_scales=tuple(architecture.variables.force_scales[i] for i in kept),
    )
    fewer = replace(architecture, variables=variables)  # type: ignore[type-var]
    arrays = dict(parameters)
    for name in ("control.gain", "control.columns"):
        if name in arrays:
            arrays[name] = arrays[name][..., kept]
    try:
        check_shapes(fewer, {name: np.asarray(value) for name, value in arrays.items()})
    except InputError:
        raise InputError(
            f"controls cannot be chosen here: this {architecture.kind} model has learned the effect of all of them as "
            "one function."
        ) from None
    return fewer, arrays
