"""The data of a page, JSON-ready: names, limits, starts, ranges to plot, shapes, and what is known of the world."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.coordinates import Coordinates
from hnn_gym.envs.core import Simulator
from hnn_gym.physics.integrators import scheme_name
from hnn_gym.systems import Picture

_STARTS, _STEPS = 24, 200
_MOST_SPEED = 1e6


def description(simulator: Simulator, name: str, picture: Picture | None) -> dict[str, Any]:
    """What a page says and draws, beside the programs.

    Args:
        simulator: the world, its task and, where it is known, the truth.
        name: how the page calls the world.
        picture: the shapes of the task at any state; None: it has no picture.
    """
    world = simulator.world
    coordinates = world.coordinates
    forces = largest_forces(simulator)
    starts, motions = _motions(simulator, forces)
    return {
        "name": name,
        "facts": _facts(simulator),
        "dt": world.dt,
        "degrees": _degrees(coordinates, motions),
        "forces": forces,
        "energy_unit": world.energy_unit,
        "zero": energy_zero(simulator),
        "joules": _bump_size(simulator, motions),
        "starts": starts,
        "picture": None if picture is None else _shapes(picture),
    }


def largest_forces(simulator: Simulator) -> list[float]:
    """The largest generalised force of every control that an action of the task can exert."""
    coordinates, space = simulator.world.coordinates, simulator.task.action_space
    count = len(coordinates.controls)
    if not count:
        return []
    if coordinates.force_table is not None:
        actions = np.array(coordinates.force_table, np.float64)
    elif isinstance(space, Box) and space.shape == (count,):
        actions = np.where(np.isfinite(space.high), np.maximum(abs(space.high), abs(space.low)), 1.0)[None]
    else:
        actions = np.ones((1, count))
    return [float(force) for force in abs(coordinates.force(np.asarray(actions, np.float64))).max(axis=0)]


def energy_zero(simulator: Simulator) -> float:
    """What to add to the world's H, so that at the starts of the task it is the true one on average; 0 without one."""
    world, truth = simulator.world, simulator.truth
    if truth is None or not world.has_energy or world.energy_unit != "J":
        return 0.0
    q, v = _drawn_starts(simulator)
    true = truth.energy(truth.phase_point(q, v))
    return float(np.mean(true - world.energy(world.phase_point(q, v))))


def _drawn_starts(simulator: Simulator) -> tuple[np.ndarray, np.ndarray]:
    """The same starts (q, v), each ``(k, n)``, at every call."""
    rng = np.random.default_rng(0)
    drawn = [simulator.task.initial(rng, {}) for _ in range(_STARTS)]
    q, v = (np.array(part, np.float64) for part in zip(*drawn, strict=True))
    return q, v


def _motions(simulator: Simulator, forces: list[float]) -> tuple[list[list[float]], np.ndarray]:
    """Some starts [q, v], and the states ``(k, 2n)`` of free and of pushed motions from them."""
    world, task = simulator.world, simulator.task
    (q, v), rng = _drawn_starts(simulator), np.random.default_rng(1)
    states = [np.concatenate([q, v], axis=-1)]
    push = np.array(forces) / 2 * rng.choice([-1.0, 1.0], (_STEPS, _STARTS, len(forces)))
    with np.errstate(all="ignore"):
        for force in (np.zeros_like(push), push):
            x = world.phase_point(q, v)
            for step in range(_STEPS):
                x = world.advance(x, force[step])
                now = world.state(x)
                going = ~task.terminated(*now)
                if not going.any():
                    break
                states.append(np.concatenate(now, axis=-1)[going])
    found = np.concatenate(states)
    return states[0].tolist(), found[(abs(found) < _MOST_SPEED).all(axis=1)]


def _degrees(coordinates: Coordinates, motions: np.ndarray) -> list[dict[str, Any]]:
    """Name, kind and range to plot of every degree of freedom."""
    n, rows = coordinates.n, []
    for i, angle in enumerate(coordinates.angles):
        q, v = motions[:, i], motions[:, n + i]
        middle, reach = (q.max() + q.min()) / 2, max(0.6 * float(q.max() - q.min()), 1e-3)
        low, high = (-math.pi, math.pi) if angle else (float(middle - reach), float(middle + reach))
        speed = coordinates.degrees[i].speed_limit or 1.15 * max(float(abs(v).max()), 1e-3)
        name = "q" if n == 1 else f"q{i + 1}"
        rows.append({"name": name, "angle": angle, "low": low, "high": high, "speed": speed})
    return rows


def _bump_size(simulator: Simulator, motions: np.ndarray) -> float:
    """1 joule, or the power of ten below a fifth of the energies that occur, where these are small."""
    world = simulator.world if simulator.world.has_energy else simulator.truth
    if world is None:
        return 0.0
    n = world.coordinates.n
    energy = world.energy(world.phase_point(motions[:, :n], motions[:, n:]))
    spread = float(np.subtract(*np.percentile(energy, [95, 5])))
    return 1.0 if spread >= 2 else 10.0 ** math.floor(math.log10(max(spread / 2, 1e-6)))


def _facts(simulator: Simulator) -> list[str]:
    """Sentences about the world."""
    world, facts = simulator.world, []
    data = world.card.get("data", {})
    source = data.get("provenance", {}).get("env_id") or world.card.get("seen", {}).get("env_id")
    if world.architecture is None:
        facts.append("This is the true physics.")
    elif "seen" in world.card:
        facts.append(f"Learned from {world.card['seen'].get('frames', 0):,} frames of {source} alone.")
    elif source and "steps" in data:
        facts.append(f"Learned from {data['steps']:,} recorded transitions of {source}.")
    if not world.has_energy:
        known = "; its motion is judged by the true energy" if simulator.truth is not None else ""
        facts.append(f"This network has no physics, so it has no energy{known}.")
    elif world.energy_unit != "J":
        facts.append("The scale of the energy is unknown, because the actions have no unit.")
    facts.append(f"One step is {world.dt:g} s.")
    if simulator.truth is not None and world.architecture is not None:
        ours, theirs = (scheme_name(one.integrator) for one in (world, simulator.truth))
        schemes = f", which steps by {theirs}, as the environment does, and this world by {ours}"
        facts.append(f"The true physics runs beside it{schemes if ours != theirs else ''}.")
    return facts


def _shapes(picture: Picture) -> dict[str, Any]:
    shapes = [
        {
            "kind": type(shape).__name__.lower(),
            "count": int(np.shape(shape.points)[0]),
            **{name: value for name, value in vars(shape).items() if name != "points"},
        }
        for shape in picture.shapes
    ]
    return {"half_width": float(picture.half_width), "centre": list(picture.centre), "shapes": shapes}
