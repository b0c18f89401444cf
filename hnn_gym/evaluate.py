"""Is my world good enough? ``python -m hnn_gym.evaluate runs/pendulum --on Pendulum-v1``.

The world forecasts a fresh recording, and is let go without forces for a long time. Figures, a table and a verdict in
words make a report.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Annotated, Any

import gymnasium
import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from hnn_gym.command import check_at_least, run
from hnn_gym.data import FrameRule, PolicyChoice, TransitionDataset, record_steps
from hnn_gym.data.environment import make_environment
from hnn_gym.data.logs.convert import LOG
from hnn_gym.envs.shipped import resolve_pixel_world, resolve_world
from hnn_gym.errors import ConvergenceError, InputError, check_fields
from hnn_gym.evaluation import plots
from hnn_gym.evaluation.forecasts import Forecasts, forecasts_of, frame_forecasts_of
from hnn_gym.evaluation.judging import EnergyCheck, sensitivity, verdict
from hnn_gym.evaluation.measured_motion import PIECE, MeasuredMotion, energy_balance, log_and_forecasts, measured_motion
from hnn_gym.evaluation.metrics import unforced
from hnn_gym.evaluation.report import markdown_table, report_folder, write_results
from hnn_gym.evaluation.zeros import without_zeros
from hnn_gym.files.storage import checked_path
from hnn_gym.page import write_page
from hnn_gym.systems import truth_of
from hnn_gym.training.determination import physical_words
from hnn_gym.worlds.pixel_world import PixelWorld
from hnn_gym.worlds.world_model import WorldModel

_HORIZONS = (1, 10, 50, 100, 200)
_STARTS = 20


@dataclass(frozen=True)
class EvaluateSettings:
    """Compare a world with fresh recordings of the real environment, and say in words whether it is good enough."""

    world: Annotated[str, tyro.conf.Positional]
    """Folder of a checkpoint, or the id of a shipped world."""
    on: str
    """Id of the real environment, such as Pendulum-v1 or module:Id-v0; or a dataset that the world has not seen."""
    out: Path = Path("evaluation")
    """Folder for the report; the report of an earlier run is replaced."""
    steps: int = 2000
    """Fresh transitions to record."""
    policy: str = "random"
    """Policy of the recording, as of python -m hnn_gym.collect: evaluate under the policy you need the world for."""
    seed: int = 10_000
    """Seed of the recording; it should not be that of the training data."""
    energy_steps: int = 10_000
    """Free steps over which the energy is followed."""
    overwrite: bool = False
    """Replace ``out`` even if it is not a report."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_fields(self)
        check_at_least(2, steps=self.steps, energy_steps=self.energy_steps)
        check_at_least(0, seed=self.seed)
        PolicyChoice(self.policy)  # it is not used where ``on`` is a dataset


@dataclass(frozen=True)
class Evaluation:
    """The result of an evaluation.

    Attributes:
        forecasts: of fresh real steps.
        energy: of free motions; None for a network without physics.
        growth: how many times a tiny error grows over the length of the forecasts.
        sentences: the verdict.
        motion: along a log of a machine, as the world sees it; None for other recordings.
    """

    forecasts: Forecasts
    energy: EnergyCheck | None
    growth: float
    sentences: list[str]
    motion: MeasuredMotion | None = None

    def rows(self) -> dict[str, list[str]]:
        """The cells of the table: median, worst tenth and the forecast that nothing moves, by the number of steps."""
        found = self.forecasts
        steps = found.error.shape[1]
        rows = {}
        for k in sorted({min(horizon, steps) for horizon in _HORIZONS}):
            values = (found.median[k - 1], found.worst_tenth[k - 1], float(np.median(found.still[:, k - 1])))
            name = f"error after {k} step{'s' if k > 1 else ''}"
            rows[name] = [f"{value:.2g}" if np.isfinite(value) else "blew up" for value in values]
        return rows


COLUMNS = ("median", "worst tenth", "nothing moves")


def evaluate(world: WorldModel | PixelWorld, fresh: TransitionDataset, *, energy_steps: int = 10_000) -> Evaluation:
    """Compare a world with a recording that it has not seen.

    Example:
        >>> import gymnasium, hnn_gym
        >>> from hnn_gym.evaluate import evaluate
        >>> world = gymnasium.make("HNNPendulum-v0").unwrapped.world
        >>> fresh = hnn_gym.record_steps(gymnasium.make("Pendulum-v1"), steps=400, seed=7)
        >>> evaluate(world, fresh, energy_steps=100).sentences[0][:4]
        'Good'

    Args:
        world: a world, or one learned from frames.
        fresh: the recording; with frames for a world learned from them.
        energy_steps: free steps over which the energy is followed.

    Raises:
        InputError: the recording does not fit the world.
    """
    motion, of_zeros = None, list[str]()
    if isinstance(world, PixelWorld):
        found, latent = frame_forecasts_of(world, fresh), world.world
        x = latent.encode(_observed_through_frames(world, fresh))
    else:
        fresh, of_zeros = without_zeros(world, fresh)
        found, latent = forecasts_of(world, fresh), world
        motion = _motion(world, fresh)
        if motion is None:
            x = world.encode(np.asarray(fresh.transitions().observation, np.float64))
        else:
            x = motion.x[np.arange(motion.x.shape[1]) <= motion.windows.steps[:, None]]
    energy = _energy(latent, x, energy_steps) if latent.has_energy else None
    try:
        growth = sensitivity(latent, x, steps=found.error.shape[1])
    except ConvergenceError:
        growth = float("inf")
    log = fresh.provenance.policy == LOG
    sentences = verdict(found, energy, growth=growth, frames=isinstance(world, PixelWorld), log=log)
    return Evaluation(found, energy, growth, sentences + of_zeros + _of_measurements(latent, motion), motion)


def _motion(world: WorldModel, fresh: TransitionDataset) -> MeasuredMotion | None:
    """The motion along a log of a machine: of positions alone, or with stamps of its own."""
    if not any(world.coordinates.unobserved) and fresh.durations() is None:
        return None
    try:
        return measured_motion(world, fresh)
    except ConvergenceError:
        return None


def _of_measurements(world: WorldModel, motion: MeasuredMotion | None) -> list[str]:
    """What the motion along a log says beside the forecasts."""
    if motion is None:
        return []
    sizes = ", ".join(f"{size:.2g}" for size in motion.scale)
    words = [f"In pieces of {PIECE} steps the world comes as near to the measurements as {sizes} (their own units)."]
    spans = motion.unexplained_spans()
    if spans:
        episode, first, last, size = spans[0]
        places = "1 place" if len(spans) == 1 else f"{len(spans)} places"
        words.append(
            f"{int(motion.unexplained.sum())} rows in {places} are not explained, with residuals up to "
            f"{size:.0f} times as large as elsewhere. The worst are in episode {episode}, from {first:.3f} s to "
            f"{last:.3f} s: look for a collision, a limit of a motor or a sensor that was wrong."
        )
    else:
        words.append("All rows are explained: no residual is far larger than the others.")
    return [*words, *(f"{line}." for line in physical_words(world.card))]


def _observed_through_frames(seen: PixelWorld, fresh: TransitionDataset) -> np.ndarray:
    """Latent observations of the frames of a recording ``(N, d)``."""
    found = []
    for episode in fresh:
        assert episode.frame is not None
        found.append(seen.world.decode(seen.encode(np.concatenate([episode.frame[:-1], episode.frame[1:]], axis=-1))))
    return np.concatenate(found)


def _energy(world: WorldModel, x: np.ndarray, steps: int) -> EnergyCheck:
    """Let the world go from points ``(N, 2n)`` of a motion, as its environment steps it."""
    moving = world.stepping("symplectic")
    spread = max(float(np.subtract(*np.percentile(moving.energy(x), [95, 5]))), 1e-12)
    q, v = moving.state(x[np.linspace(0, len(x) - 1, min(_STARTS, len(x))).astype(int)])
    with np.errstate(all="ignore"):
        try:
            energy = moving.energy(moving.rollout(moving.phase_point(q, v), steps=steps))
        except ConvergenceError:
            return EnergyCheck(steps, float("inf"), float("inf"), None)
    tenth = max(1, steps // 10)
    drift = np.abs(energy[-tenth:].mean(axis=0) - energy[:tenth].mean(axis=0)).max()
    band = (energy.max(axis=0) - energy.min(axis=0)).max()
    truth, true_band = truth_of(world), None
    if truth is not None:
        bands = [unforced(one, truth, q, v, steps=steps).band for one in (moving, truth)]
        with np.errstate(all="ignore"):
            true_band = float(np.max(bands[0] / np.maximum(bands[1], 1e-3 * spread)))
    return EnergyCheck(steps, float(drift / spread), float(band / spread), true_band)


def _recording(settings: EvaluateSettings, seen: PixelWorld | None) -> TransitionDataset:
    if settings.on not in gymnasium.registry and checked_path(settings.on).exists():
        return TransitionDataset.open(settings.on)
    rule: FrameRule | bool = False
    if seen is not None:
        provenance: Any = seen.about["provenance"]
        rule = FrameRule.from_json(provenance["frame_rule"])
    try:
        env = make_environment(settings.on, {}, draws=seen is not None)
    except InputError as error:
        raise InputError(f"There is no dataset at {settings.on}. {error}") from None
    with closing(env):
        return record_steps(env, steps=settings.steps, seed=settings.seed, policy=settings.policy, record_frames=rule)


def _main(settings: EvaluateSettings) -> None:
    console = Console()
    seen = resolve_pixel_world(settings.world)
    world = resolve_world(settings.world) if seen is None else seen
    with report_folder(settings.out, overwrite=settings.overwrite, reads=(settings.world, settings.on)) as folder:
        result = evaluate(world, _recording(settings, seen), energy_steps=settings.energy_steps)
        _write(folder, settings, world, result)
    unit = "as a share of how much frames differ" if seen is not None else "in standard deviations"
    table = Table("", *COLUMNS, title=f"{settings.world} on {settings.on}, {unit}")
    for label, cells in result.rows().items():
        table.add_row(label, *cells)
    console.print(table)
    for sentence in result.sentences:
        console.print(sentence, soft_wrap=True)
    console.print(f"The report: {settings.out / 'report.md'}", soft_wrap=True)


def _write(folder: Path, settings: EvaluateSettings, world: WorldModel | PixelWorld, result: Evaluation) -> None:
    dt = (world.world if isinstance(world, PixelWorld) else world).dt
    plots.save(plots.errors_over_horizon(result.forecasts, dt=dt), folder / "errors.png")
    figures = {"errors over the length of the forecast": "errors.png"}
    if result.motion is not None and isinstance(world, WorldModel):
        figures |= _figures_of_a_log(folder, world, result.motion)
    page = ""
    try:
        write_page(settings.world, folder / "world.html")
        page = "\n[world.html](world.html) is the world in a browser.\n"
    except InputError:  # a world that cannot be traced can be evaluated all the same
        pass
    words = "\n".join(fill(f"- {sentence}", 118, subsequent_indent="  ") for sentence in result.sentences)
    table = markdown_table(COLUMNS, result.rows())
    title = f"# {settings.world} on {settings.on}"
    shown = "\n\n".join(f"![{label}]({name})" for label, name in figures.items())
    (folder / "report.md").write_text(f"{title}\n\n{words}\n\n{table}\n{shown}\n{page}", encoding="utf-8")
    energy = None if result.energy is None else vars(result.energy)
    write_results(
        folder,
        {
            "world": settings.world,
            "on": settings.on,
            "verdict": result.sentences,
            "one_step": result.forecasts.one_step,
            "median": result.forecasts.median,
            "worst_tenth": result.forecasts.worst_tenth,
            "growth_of_a_tiny_error": result.growth,
            "energy": energy,
        },
    )


def _figures_of_a_log(folder: Path, world: WorldModel, motion: MeasuredMotion) -> dict[str, str]:
    """Draw what the world makes of a log; returns the files by what they show."""
    drawn = {
        "forecasts beside the log": (
            "log.png",
            plots.beside_the_log(*log_and_forecasts(world, motion), labels=motion.labels),
        ),
        "residuals along the log": ("residuals.png", plots.residuals(motion, piece=PIECE)),
    }
    balance = energy_balance(world, motion)
    if balance is not None:
        q, v = world.state(motion.x[np.arange(motion.x.shape[1]) <= motion.windows.steps[:, None]])
        drawn |= {
            "inertia, potential energy and friction": ("mechanism.png", plots.mechanism(world, q, v)),
            "balance of the energy": ("balance.png", plots.balance(balance, unit=world.energy_unit)),
        }
    for name, figure in drawn.values():
        plots.save(figure, folder / name)
    return {label: name for label, (name, _) in drawn.items()}


if __name__ == "__main__":
    run(_main, EvaluateSettings, prog="python -m hnn_gym.evaluate")
