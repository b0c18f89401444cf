"""A film for every environment: its learned world, or the true one, under pushes that are held for a while."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from hnn_gym.envs.build import build_simulator
from hnn_gym.envs.core import Simulator
from hnn_gym.envs.render.picture import PictureRenderer
from hnn_gym.envs.shipped import resolve_pixel_world
from hnn_gym.evaluation.plots import save_dark_twin
from hnn_gym.evaluation.report import save_gif
from hnn_gym.page.description import largest_forces
from hnn_gym.systems import SYSTEMS, System

SIZE = 220
"""Pixels a side."""
_FRAMES, _FPS, _PUSH = 90, 20, 1.0  # a push is held for so many seconds


def write(folder: Path) -> None:
    """Write ``films/<id>.gif`` of every environment with a picture, its dark twin, and films of decoded frames."""
    out = folder / "films"
    out.mkdir(parents=True)
    for system in SYSTEMS.values():
        for name in filmed(system):
            simulator = build_simulator(name)
            save_gif(out / f"{name}.gif", _pictures(name, simulator), fps=_frames_per_second(simulator))
            if resolve_pixel_world(name) is None:  # decoded frames look as the camera saw them, in any theme
                save_dark_twin(out / f"{name}.gif", out / f"{name}-dark.gif")


def filmed(system: System) -> list[str]:
    """The worlds of an environment that are filmed: the first that can be drawn, and those that decode frames."""
    candidates = [f"{prefix}{system.name}-v0" for prefix in system.twins if prefix == "HNN"]
    candidates += [system.id] if system.truth is not None else []
    task = system.task_for({})
    drawn = task is not None and task.picture(np.zeros(task_size(system))) is not None
    from_frames = [f"{prefix}Pixel{system.name}-v0" for prefix in system.pixel_twins if prefix == "HNN"]
    return (candidates[:1] if drawn else []) + from_frames


def task_size(system: System) -> int:
    """The number of positions of an environment; 0 where its coordinates are not declared."""
    coordinates = system.coordinates_for({})
    return coordinates.n if coordinates is not None else 0


def _frames_per_second(simulator: Simulator) -> float:
    return min(_FPS, max(1 / abs(simulator.world.dt), 10))


def _pictures(name: str, simulator: Simulator) -> list[np.ndarray]:
    pixel_world = resolve_pixel_world(name)
    if pixel_world is not None:
        return [_resized(pixel_world.codec.decode(q), Image.Resampling.NEAREST) for q, _ in _motion(simulator)]
    renderer = PictureRenderer("rgb_array", simulator.task)
    return [_resized(renderer.draw(q, v, None), Image.Resampling.LANCZOS) for q, v in _motion(simulator)]


def _motion(simulator: Simulator) -> list[tuple[np.ndarray, np.ndarray]]:
    """States one frame apart; a new start follows where an episode ends."""
    world, task, rng = simulator.world, simulator.task, np.random.default_rng(3)
    steps = max(1, round(1 / (_FPS * world.dt)))
    held, largest = max(1, round(_PUSH / (steps * world.dt))), np.array(largest_forces(simulator))
    states = [task.initial(rng, {})]
    while len(states) < _FRAMES:
        if len(states) % held == 1 or held == 1:
            force = rng.uniform(-1, 1, len(largest)) * largest
        x = world.phase_point(*states[-1])
        for _ in range(steps):
            x = world.advance(x, force)
        state = world.state(x)
        states.append(task.initial(rng, {}) if bool(task.terminated(*state)) else state)
    return states


def _resized(picture: np.ndarray, how: Image.Resampling) -> np.ndarray:
    colours = np.repeat(picture, 3, axis=-1)[..., :3] if picture.shape[-1] == 1 else picture
    if colours.shape[-1] == 2:  # red and green alone, as the recording says
        colours = np.concatenate([colours, colours[..., 1:]], axis=-1)
    return np.asarray(Image.fromarray(colours).resize((SIZE, SIZE), how))
