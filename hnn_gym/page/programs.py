"""What a page has to compute, as traced functions: the step and its inverse, the energy, a bump, the picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from hnn_gym.errors import InputError
from hnn_gym.physics.phase import Array, join, split
from hnn_gym.systems import Picture, Task
from hnn_gym.trace import NotTraceable, Program, trace
from hnn_gym.worlds.world_model import WorldModel

OPTIONAL = ("back", "bump")
"""Programs that not every world has: its scheme cannot be inverted, or its bumps have to be searched for."""


def world_programs(world: WorldModel) -> dict[str, Program]:
    """The programs of a world, by name.

    ``point`` and ``state`` lead from (q, v) to x and back; ``step`` and ``back`` from x and the generalised forces to
    the next and the last x; ``energy`` is H; ``bump`` leads from x and an energy to x and the energy that it was given.

    Raises:
        InputError: the step cannot be traced.
    """
    n, m = world.coordinates.n, len(world.coordinates.controls)
    programs = {
        "point": _traced("the momentum", lambda q, v: {"x": world.phase_point(q, v)}, q=n, v=n),
        "state": _traced("the velocity", lambda x: dict(zip("qv", world.state(x), strict=True)), x=2 * n),
        "step": _traced("the step", lambda x, force: {"x": world.advance(x, force)}, x=2 * n, force=m),
    }
    if not world.has_energy:
        return programs
    programs["energy"] = _traced("the energy", lambda x: {"energy": world.energy(x)}, x=2 * n)
    optional: dict[str, list[Callable[..., Mapping[str, Array]]]] = {
        "back": [lambda x, force: {"x": world.backwards.advance(x, force)}],
        "bump": [lambda x, energy: _bumped(world, x, energy)],
    }
    if _kinetic_energy_is_quadratic(world):
        optional["bump"].append(lambda x, energy: _scaled(world, x, energy))
    sizes = {"back": {"x": 2 * n, "force": m}, "bump": {"x": 2 * n, "energy": 1}}
    for name, ways in optional.items():
        for way in ways:
            try:
                programs[name] = trace(way, **sizes[name])
                break
            except (NotTraceable, InputError):
                continue
    return programs


def ends(task: Task, n: int) -> dict[str, Program]:
    """The program ``over``, whether an episode of the task ends at (q, v); none where that cannot be traced."""
    try:
        return {"over": trace(lambda q, v: {"over": task.terminated(q, v)}, q=n, v=n)}
    except Exception:  # it may be a function of the user's own, which may raise anything on arrays of nodes
        return {}


def picture_program(task: Task, n: int) -> tuple[dict[str, Program], Picture | None]:
    """The program ``picture``, all points of the shapes at q in order, and the shapes; none if there is no picture.

    Raises:
        InputError: the picture cannot be traced.
    """
    picture = task.picture(np.zeros(n))
    if picture is None:
        return {}, None

    def places(q: Array) -> Mapping[str, Array]:
        drawn = task.picture(q)
        assert drawn is not None
        return {"points": np.concatenate([np.reshape(shape.points, (-1,)) for shape in drawn.shapes])}

    return {"picture": _traced("the picture", places, q=n)}, picture


def _bumped(world: WorldModel, x: Array, energy: Array) -> Mapping[str, Array]:
    given = world.bump(x, energy[0])
    return {"x": given.x, "realised": given.realised}


def _kinetic_energy_is_quadratic(world: WorldModel) -> bool:
    """Whether H(q, p) - H(q, 0) grows with the square of p, at some places."""
    rng = np.random.default_rng(0)
    q, p = rng.uniform(-1, 1, (2, 8, world.coordinates.n))
    at_rest, once, twice = (world.energy(join(q, k * p)) for k in (0.0, 1.0, 2.0))
    return bool(np.allclose(twice - at_rest, 4 * (once - at_rest), rtol=1e-9))


def _scaled(world: WorldModel, x: Array, energy: Array) -> Mapping[str, Array]:
    """An impulse where the kinetic energy T is quadratic in p: p' = sqrt(1 + dE / T) p, and nothing at rest."""
    q, p = split(x)
    before = world.energy(x)
    kinetic = before - world.energy(join(q, 0 * p + 0.0))
    moving = kinetic > 0
    share = np.where(moving, 1 + energy[0] / np.where(moving, kinetic, 1.0), 1.0)
    new = world.within_speed_limits(join(q, np.maximum(share, 0.0) ** 0.5 * p))
    return {"x": new, "realised": world.energy(new) - before}


def _traced(what: str, function: Callable[..., Mapping[str, Array]], **inputs: int) -> Program:
    try:
        return trace(function, **inputs)
    except NotTraceable as error:
        raise InputError(
            f"A page needs {what} of the world as a program, and it cannot be traced: {error}. Step it in Python "
            "instead, such as with python -m hnn_gym.play."
        ) from None
