"""Frames of a film: pictures of worlds side by side, with the true energy so far drawn below."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from hnn_gym.evaluation.plots.orbits import BODIES
from hnn_gym.evaluation.plots.style import COLOURS, GREY, PALE

_WIDTH, _HEAD, _FOOT = 7.2, 0.3, 1.25
"""Inches: of all, above the pictures for names, and below them for the energy."""


@dataclass(frozen=True)
class Scene:
    """Describes how to draw positions q ``(n,)``.

    Attributes:
        places: where the bodies are ``(b, 2)``.
        link: line to the first of them ``(k, 2)``, such as a rod; None: there is no line.
        fixed: lines that do not move, each ``(k, 2)``.
        half_width: half width of the picture around the origin.
        half_height: its half height.
        marker: of a body, matplotlib's letter.
        size: of a body in points.
        trail: length of its trail in moments.
    """

    places: Callable[[np.ndarray], np.ndarray]
    link: Callable[[np.ndarray], np.ndarray] | None = None
    fixed: tuple[np.ndarray, ...] = ()
    half_width: float = 1.0
    half_height: float = 1.0
    marker: str = "o"
    size: float = 14.0
    trail: int = 0


def film(
    scene: Scene,
    time: np.ndarray,
    positions: Mapping[str, np.ndarray],
    energy: Mapping[str, np.ndarray],
    *,
    energy_unit: str = "J",
    names: Mapping[str, str] | None = None,
) -> Iterator[np.ndarray]:
    """Yield uint8 frames ``(height, width, 3)``, 720 pixels wide, one for each moment.

    Args:
        scene: how to draw one world.
        time: ``(moments,)`` in s.
        positions: q ``(moments, n)`` by world.
        energy: the true H along each motion ``(moments,)``.
        energy_unit: of H.
        names: how each world is called above its picture; None: by its key.
    """
    stage_height = _WIDTH / len(positions) * scene.half_height / scene.half_width
    height = _HEAD + stage_height + _FOOT
    figure = Figure(figsize=(_WIDTH, height), dpi=100)
    canvas = FigureCanvasAgg(figure)
    stages = {}
    for i, (name, q) in enumerate(positions.items()):
        place = (i + 0.02) / len(positions), _FOOT / height, 0.96 / len(positions), stage_height / height
        stages[name] = _Stage(
            figure.add_axes(place), scene, name, title=(names or {}).get(name, name), bodies=len(scene.places(q[0]))
        )
    graph = figure.add_axes((0.115, 0.4 / height, 0.855, (_FOOT - 0.5) / height))
    graph.spines[["top", "right"]].set_visible(False)
    graph.tick_params(labelsize=8)
    graph.set_ylabel(f"true energy\n({energy_unit})", fontsize=8)
    graph.set_xlabel("time (s)", fontsize=8, labelpad=1)
    graph.set(xlim=(time[0], time[-1]), ylim=_limits(np.array(list(energy.values()))))
    lines = {name: graph.plot([], [], color=COLOURS[name], lw=1.6)[0] for name in energy}
    for k in range(len(time)):
        for name, stage in stages.items():
            stage.show(positions[name][: k + 1])
            lines[name].set_data(time[: k + 1], energy[name][: k + 1])
        canvas.draw()
        yield np.asarray(canvas.buffer_rgba())[..., :3].copy()


class _Stage:
    """One world's part of the picture."""

    def __init__(self, ax: Axes, scene: Scene, name: str, *, title: str, bodies: int) -> None:
        ax.set(xlim=(-scene.half_width, scene.half_width), ylim=(-scene.half_height, scene.half_height), aspect="equal")
        ax.set_axis_off()
        ax.set_title(title, fontsize=11, color=COLOURS[name], fontweight="bold", pad=2)
        for line in scene.fixed:
            ax.plot(*line.T, color=PALE, lw=2)
        self._scene = scene
        self._link = ax.plot([], [], color=GREY, lw=2)[0]
        self._trails, self._bodies = [], []
        for body in range(bodies):
            colour = COLOURS[name] if scene.link is not None else BODIES[body]
            self._trails.append(ax.plot([], [], color=colour, lw=1.5, alpha=0.45)[0])
            self._bodies.append(ax.plot([], [], scene.marker, color=colour, ms=scene.size, mec="white")[0])

    def show(self, so_far: np.ndarray) -> None:
        """Draw the last of positions ``(moments, n)``."""
        scene = self._scene
        if scene.link is not None:
            self._link.set_data(*scene.link(so_far[-1]).T)
        trail = np.array([scene.places(q) for q in so_far[-1 - scene.trail :]])
        for body, (line, dot) in enumerate(zip(self._trails, self._bodies, strict=True)):
            line.set_data(*trail[:, body].T)
            dot.set_data(*trail[-1:, body].T)


def _limits(energies: np.ndarray) -> tuple[float, float]:
    low, high = float(energies.min()), float(energies.max())
    room = max(0.1 * (high - low), 0.01 * max(abs(high), abs(low)), 1e-9)  # also where nothing changes
    return low - room, high + room
