"""The figures of the pixel pendulum: forecasts, the latent's H, and an energy bump, as picture and film."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from experiments.pixels import plots as pixel_plots
from experiments.pixels.films import Film
from experiments.pixels.forecasts import Forecast, forecast
from hnn_gym.data import TransitionDataset
from hnn_gym.envs.render.frames import enlarged
from hnn_gym.evaluation import plots
from hnn_gym.evaluation.report import write_gif
from hnn_gym.physics.bumps import bump
from hnn_gym.worlds.pixel_world import PixelWorld, turned

_NAMES = {"HNN": "HNN", "second-order network": "baseline"}
_COLUMNS = 10
_BUMP_J, _BUMP_SECONDS, _SECONDS = 2.0, 4.0, 10.0


def draw(
    worlds: Mapping[str, PixelWorld],
    dataset: TransitionDataset,
    film: Film,
    offsets: Mapping[str, float],
    folder: Path,
    *,
    context: int,
) -> None:
    """Draw all figures into ``folder``; the forecasts are those of the first motion."""
    folder.mkdir(parents=True, exist_ok=True)
    steps = film.frames.shape[1] - 1 - context
    dreamt = {
        shown: forecast(worlds[name], film.frames[:, : context + 1], steps=steps) for name, shown in _NAMES.items()
    }
    seen, dt = worlds["HNN"], abs(worlds["HNN"].world.dt)
    chosen = np.unique(np.rint(np.geomspace(2, steps, _COLUMNS)).astype(int))
    rows = {"real": film.frames[0, context + chosen]}
    for name, shown in _NAMES.items():
        rows[shown] = worlds[name].codec.decode(np.nan_to_num(dreamt[shown].q[0, chosen])[:, None])
    plots.save(pixel_plots.frames_over_time(rows, np.round(chosen * dt, 2).tolist()), folder / "frames.png")

    angles = {"real": turned(film.states[0, context:, 0] - np.pi, angle=True)}
    for name, shown in _NAMES.items():
        angles[shown] = turned(np.nan_to_num(dreamt[shown].q[0]) + offsets[name] - np.pi, angle=True)
    windows = [(0.0, min(8.0, steps * dt)), (max(0.0, steps * dt - 8.0), steps * dt)]
    plots.save(pixel_plots.angles_over_time(angles, dt=dt, seconds=windows), folder / "angles.png")

    encoded = [seen.codec.encode(frames)[..., 0] for frames in dataset.frames()]
    velocity = np.concatenate([turned(np.diff(q), angle=True) / dt for q in encoded])
    portrait = pixel_plots.latent_portrait(
        seen,
        (np.concatenate([q[1:] for q in encoded]), velocity),
        (dreamt["HNN"].q[:8, :400], dreamt["HNN"].v[:8, :400]),
        speed=8.0,
    )
    plots.save(portrait, folder / "portrait.png")
    _draw_bump(seen, film, offsets["HNN"], folder, context=context)


def _draw_bump(seen: PixelWorld, film: Film, offset: float, folder: Path, *, context: int) -> None:
    """Draw the continuation of the filmed motion with the lowest energy, with and without a bump."""
    reach = np.abs(turned(film.states[..., 0] - np.pi, angle=True)).max(axis=1)
    calm = int(np.argmin(reach))
    dt = abs(seen.world.dt)
    given, steps = round(_BUMP_SECONDS / dt), round(_SECONDS / dt)
    start = forecast(seen, film.frames[calm : calm + 1, : context + 1], steps=0)
    x = seen.world.phase_point(start.q, start.v)
    plain = _dreamt(seen, x, steps)
    before = _dreamt(seen, x, given)
    at = seen.world.phase_point(before.q[:, -1:], before.v[:, -1:])
    after = _dreamt(seen, bump(seen.world.dynamics.hamiltonian, at, _BUMP_J).x, steps - given)
    bumped = np.concatenate([before.q[0, :-1], after.q[0]])
    paths = {
        "as it was": turned(plain.q[0] + offset - np.pi, angle=True),
        f"{_BUMP_J:+g} J": turned(bumped + offset - np.pi, angle=True),
    }
    latents = dict(zip(paths, (plain.q[0], bumped), strict=True))
    highest = {
        f"highest, {name}": seen.codec.decode(latents[name][[given + int(np.argmax(path[given:]))]])
        for name, path in paths.items()
    }
    figure = pixel_plots.bumped_swing(highest, paths, dt=dt, bump_step=given, joules=_BUMP_J)
    plots.save(figure, folder / "bump.png")
    films = {
        name: [enlarged(frame) for frame in pixel_plots.bright(seen.codec.decode(q[:, None]))]
        for name, q in latents.items()
    }
    notes = {
        name: [f"{t * dt:.1f} s" + (f", {_BUMP_J:+g} J given" if i and t >= given else "") for t in range(steps + 1)]
        for i, name in enumerate(paths)
    }
    write_gif(folder / "bump.gif", films, fps=round(1 / dt), notes=notes)


def _dreamt(seen: PixelWorld, x: np.ndarray, steps: int) -> Forecast:
    controls = len(seen.world.coordinates.controls)
    q, v = seen.world.state(seen.world.rollout(x, np.zeros((steps, len(x), controls))))
    return Forecast(q[..., 0].T, v[..., 0].T)
