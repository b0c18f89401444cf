"""Figures of worlds learned from frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hnn_gym.evaluation.plots.style import COLOURS, ORDER, STYLES, legend_below, new_figure
from hnn_gym.worlds.pixel_world import PixelWorld

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LEVELS = 16
_RECORDED = "#AA4499"


def frames_over_time(films: Mapping[str, np.ndarray], times: Sequence[float]) -> Figure:
    """Draw rows of frames, one row for each film, one column for each moment.

    Args:
        films: frames ``(k, H, W, 1 or 3)``, uint8, by name.
        times: of the columns in s ``(k,)``.
    """
    figure, axes = new_figure(0.95 * len(times) + 1.0, len(films) + 0.4, rows=len(films), columns=len(times))
    for row, (name, frames) in enumerate(films.items()):
        for column, (frame, time) in enumerate(zip(frames, times, strict=True)):
            ax = axes[row * len(times) + column]
            ax.imshow(bright(frame), interpolation="nearest")
            ax.set_xticks([])
            ax.set_yticks([])
            ax.spines[:].set_visible(False)
            if row == 0:
                ax.set_title(f"{time:g} s", fontsize=8)
            if column == 0:
                ax.set_ylabel(name, fontsize=9)
    return figure


def angles_over_time(angles: Mapping[str, np.ndarray], *, dt: float, seconds: Sequence[tuple[float, float]]) -> Figure:
    """Draw the angles of one forecast, in two or more windows of time.

    Args:
        angles: by name, ``(T + 1,)`` in rad, from one origin.
        dt: step in s.
        seconds: first and last moment of every window.
    """
    figure, axes = new_figure(4.0 * len(seconds), 2.8, columns=len(seconds))
    for ax, (first, last) in zip(axes, seconds, strict=True):
        for name, path in angles.items():
            time = np.arange(len(path)) * dt
            seen = (time >= first) & (time <= last)
            ax.plot(
                time[seen], path[seen], color=COLOURS[name], ls=STYLES[name], zorder=ORDER[name], lw=1.5, label=name
            )
        ax.set(xlabel="time since the last frame seen (s)", xlim=(first, last))
    axes[0].set_ylabel("angle from hanging (rad)")
    legend_below(figure, axes[0])
    return figure


def latent_portrait(
    seen: PixelWorld, recorded: tuple[np.ndarray, np.ndarray], dreamt: tuple[np.ndarray, np.ndarray], *, speed: float
) -> Figure:
    """Draw level sets of the H learned from frames, with the encoded recording and some dreamt motions.

    Args:
        seen: the world, with an H.
        recorded: encoded positions and velocities, each ``(N,)``.
        dreamt: unforced motions, each ``(N, T + 1)``.
        speed: largest velocity shown.
    """
    figure, (ax,) = new_figure(7.2, 4.8)
    q, v = np.meshgrid(np.linspace(-np.pi, np.pi, 181), np.linspace(-speed, speed, 181))
    energy = seen.world.energy(seen.world.phase_point(q[..., None], v[..., None]))
    drawn = ax.contourf(q, v, energy, levels=_LEVELS, cmap="Greys_r", alpha=0.3)
    ax.contour(q, v, energy, levels=_LEVELS, colors="#777777", linewidths=0.5, linestyles="solid")
    ax.plot(*recorded, ".", ms=2.5, color=_RECORDED, mew=0)
    for path, velocity in zip(*dreamt, strict=True):
        turned = np.pi - (np.pi - path) % (2 * np.pi)
        ax.plot(turned, velocity, ".", ms=3, color=COLOURS["HNN"], mew=0)
    for label, colour in (("recorded frames, encoded", _RECORDED), ("dreamt, unforced", COLOURS["HNN"])):
        ax.plot([], [], "o", ms=5, color=colour, label=label)  # dots that can be seen in the legend
    figure.colorbar(drawn, ax=ax, label=f"learned H ({seen.world.energy_unit or 'free scale'})", pad=0.02)
    ax.set(xlim=(-np.pi, np.pi), ylim=(-speed, speed), xlabel="latent angle q (rad, from an origin of its own)")
    ax.set_ylabel("velocity (rad/s)")
    legend_below(figure, ax)
    return figure


def bumped_swing(
    frames: Mapping[str, np.ndarray], paths: Mapping[str, np.ndarray], *, dt: float, bump_step: int, joules: float
) -> Figure:
    """Draw the effect of an energy bump on the swing: the highest frames, and the angle over time.

    Args:
        frames: the frame in which each swing is highest, ``(H, W, 1 or 3)``, by name.
        paths: angle from hanging by name, ``(T + 1,)`` in rad.
        dt: step in s.
        bump_step: step at which the bump was given.
        joules: its energy.
    """
    figure, axes = new_figure(2.0 * len(frames) + 5.0, 2.8, columns=len(frames) + 1)
    for ax, (name, frame) in zip(axes, frames.items(), strict=False):
        ax.imshow(bright(frame), interpolation="nearest")
        ax.set_xticks([])
        ax.set_yticks([])
        ax.spines[:].set_visible(False)
        ax.set_title(name, fontsize=9)
    ax = axes[-1]
    for (name, path), colour in zip(paths.items(), ("#000000", "#0072B2"), strict=True):
        ax.plot(np.arange(len(path)) * dt, path, color=colour, lw=1.4, label=name)
    ax.axvline(bump_step * dt, color="#999999", ls=":", lw=1)
    ax.set(xlabel="time (s)", ylabel="angle from hanging (rad)")
    ax.set_title(f"{joules:+g} J at {bump_step * dt:g} s", fontsize=9)
    legend_below(figure, ax)
    return figure


def bright(frames: np.ndarray) -> np.ndarray:
    """Frames ``(..., 1 or 3)``, uint8, as they are shown: one channel as grey, the brightest value as white."""
    if frames.shape[-1] == 3:
        return frames
    scaled = frames.astype(np.float64) * (255 / max(int(frames.max()), 1))
    return np.repeat(np.rint(scaled).astype(np.uint8), 3, axis=-1)
