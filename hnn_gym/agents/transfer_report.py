"""The report of a transfer: the numbers, a page, a figure, and a film of dream and reality side by side."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hnn_gym.agents.evaluate import Episodes
from hnn_gym.agents.transfer import Transfer
from hnn_gym.envs.channels import ForceChannel
from hnn_gym.envs.core import Simulator
from hnn_gym.envs.render import renderer_for
from hnn_gym.evaluation import plots
from hnn_gym.evaluation.report import markdown_table, report_folder, write_gif, write_results
from hnn_gym.evaluation.transfer_figure import transfer_figure

FIGURE, FILM, PAGE = "transfer.png", "dream_and_reality.gif", "report.md"
_FRAMES = 100
_NO_ENERGY = (
    "The change of the true energy is not reported, because the true physics of this world is not known to the "
    "package. This is so for a world learned from frames, whose angle has an origin of its own, and for an environment "
    "that the package does not know."
)
_BUMPS = (
    "An action is a request for energy. The errors include the difference between the dream's answer to it and that of "
    "the real environment, where bounded force may answer."
)
_NO_FILM = "There is no film, because the system has no renderer."


def write_transfer(
    out: str | os.PathLike[str],
    transfer: Transfer,
    simulator: Simulator,
    *,
    title: str,
    about: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> None:
    """Write ``results.json``, ``report.md``, a figure and, if the system has a renderer, a film.

    A part that cannot be measured is left out, and the page says why.

    Args:
        out: the folder; an earlier report there is replaced.
        transfer: the measurements.
        simulator: the dream.
        title: of the page.
        about: further entries for the results, such as the agent's card.
        overwrite: replace ``out`` even if it is not a report.

    Raises:
        ExistingPathError: ``out`` exists and is not a report.
        InputError: it cannot be made.
    """
    world = simulator.world
    shown = int(transfer.real.returns.argmin())
    motions = {name: _states(simulator, episodes, shown) for name, episodes in _sides(transfer).items()}
    positions = {
        name: np.unwrap(q[:, 0]) if world.coordinates.angles[0] else q[:, 0] for name, (q, _) in motions.items()
    }
    if world.coordinates.angles[0]:  # the dream may count the angle from another turn
        turns = np.round((positions["dream"][0] - positions["real"][0]) / (2 * np.pi))
        positions["dream"] = positions["dream"] - 2 * np.pi * turns
    label = "angle (rad)" if world.coordinates.angles[0] else "position (m)"
    with report_folder(Path(out), overwrite=overwrite) as folder:
        figure = transfer_figure(
            transfer.dream.returns, transfer.real.returns, transfer.errors, positions, dt=world.dt, label=label
        )
        plots.save(figure, folder / FIGURE)
        if simulator.task.renderer is not None:
            stride = -(-max(len(q) for q, _ in motions.values()) // _FRAMES)
            films, notes = _film(simulator, transfer, motions, shown=shown, stride=stride)
            fps = max(1, round(1 / (stride * abs(world.dt))))  # as fast as it happens
            write_gif(folder / FILM, films, fps=fps, notes=notes)
        (folder / PAGE).write_text(_page(transfer, simulator, title), encoding="utf-8")
        write_results(folder, {**(about or {}), **transfer.numbers()})


def _sides(transfer: Transfer) -> dict[str, Episodes]:
    return {"dream": transfer.dream, "real": transfer.real}


def _states(simulator: Simulator, episodes: Episodes, shown: int) -> tuple[np.ndarray, np.ndarray]:
    """States (q, v) along one of the episodes, each ``(steps + 1, n)``."""
    observation = episodes.observation[: int(episodes.lengths[shown]) + 1, shown]
    q, v = simulator.world.coordinates.state(np.asarray(observation, np.float64))
    return q, v


def _film(
    simulator: Simulator,
    transfer: Transfer,
    motions: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    shown: int,
    stride: int,
) -> tuple[dict[str, list[np.ndarray]], dict[str, list[str]]]:
    """Frames of the start shown, and the reward earned so far below each; an episode that has ended stands still."""
    longest = max(len(q) for q, _ in motions.values())
    moments = range(0, longest, stride)
    films: dict[str, list[np.ndarray]] = {}
    notes: dict[str, list[str]] = {}
    for name, episodes in _sides(transfer).items():
        q, v = motions[name]
        earned = np.concatenate([[0.0], np.cumsum(episodes.reward[: len(q) - 1, shown])])
        renderer = renderer_for(simulator.task, "rgb_array")
        pictures, lines = [], []
        for moment in moments:
            k = min(moment, len(q) - 1)
            picture = renderer.draw(q[k], v[k], None)
            assert picture is not None
            pictures.append(picture)
            lines.append(f"{moment * simulator.world.dt:.1f} s   {earned[k]:.1f}")
        renderer.close()
        films["dream" if name == "dream" else "reality"] = pictures
        notes["dream" if name == "dream" else "reality"] = lines
    return films, notes


def _page(transfer: Transfer, simulator: Simulator, title: str) -> str:
    numbers = transfer.numbers()
    rows = {
        "mean return": [f"{numbers[side]['mean']:.2f}" for side in ("imagined_return", "real_return")],
        "worst return": [f"{numbers[side]['worst']:.2f}" for side in ("imagined_return", "real_return")],
    }
    if transfer.energy_change:
        for kind in ("median", "worst"):
            row = [f"{numbers['true_energy_change_J'][side][kind]:.3f}" for side in ("dream", "real")]
            rows[f"true-energy change, {transfer.energy_steps:,} unforced steps, {kind} (J)"] = row
    text = f"# {title}\n\n{markdown_table(['dream', 'reality'], rows)}\n"
    text += (
        f"{len(transfer.gap)} episodes, each from the same start in both. Gap, dream minus reality: mean "
        f"{numbers['gap']['mean']:z.2f}, largest {numbers['gap']['largest']:z.2f}.\n"
    )
    if not transfer.energy_change:
        text += f"\n{_NO_ENERGY}\n"
    if transfer.errors:
        errors = {
            f"{horizon} step{'s' if horizon > 1 else ''} ahead": [f"{np.median(e):.1e}", f"{e.max():.1e}"]
            for horizon, e in transfer.errors.items()
        }
        bumps = "" if isinstance(simulator.channel, ForceChannel) else f" {_BUMPS}"
        text += (
            "\nRMS error of the dream's predictions along the agent's own real trajectories, in units of the scale of "
            f"each observation entry.{bumps}\n\n{markdown_table(['median', 'worst'], errors)}"
        )
    text += f"\n![figure]({FIGURE})\n"
    if simulator.task.renderer is None:
        return text + f"\n{_NO_FILM}\n"
    return text + f"\nThe start with the lowest real return, and the reward earned so far:\n\n![film]({FILM})\n"
