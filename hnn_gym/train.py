"""Learn a world from a dataset: ``python -m hnn_gym.train data/pendulum.zarr --out runs/pendulum``."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from torch.utils.tensorboard import SummaryWriter

from hnn_gym.command import check_at_least, figure_text, run
from hnn_gym.coordinates import Coordinates, read_coordinates
from hnn_gym.coordinates.inference import InferredMap
from hnn_gym.data import TransitionDataset
from hnn_gym.data.logs.convert import LOG
from hnn_gym.errors import InputError, check_fields, whole_number
from hnn_gym.models import MODELS
from hnn_gym.physics.integrators import IMPLICIT, Integrator, InVelocities, named_scheme
from hnn_gym.training import FitSettings, FitState, held_out_error, one_step_rms, train_world
from hnn_gym.training import Progress as FitProgress
from hnn_gym.training.auto import train_found
from hnn_gym.training.dataset_map import dataset_map
from hnn_gym.training.determination import physical_words
from hnn_gym.training.streaming import sample_of
from hnn_gym.training.training_folder import SCALARS, Situation, TrainingFolder
from hnn_gym.training.worlds import inferred_card, longest_episode
from hnn_gym.worlds.devices import MOST_THREADS, checked_device
from hnn_gym.worlds.world_model import WorldModel

_SAVE_EVERY_S = 10.0
AUTO = "auto"
"""The name under which the model is chosen from the recording."""
_STAGES = {
    "adam": "Adam",
    "lbfgs": "L-BFGS",
    "least-squares": "Least squares",
    "stream": "Minibatches",
    "final": "Final steps",
}


@dataclass(frozen=True)
class TrainSettings:
    """Learn a world from recorded transitions and save it as a checkpoint folder."""

    dataset: Annotated[Path, tyro.conf.Positional]
    """Dataset that ``python -m hnn_gym.collect`` recorded."""
    out: Path
    """Folder for the checkpoint and its TensorBoard scalars."""
    model: str = AUTO
    """auto: the scheme that made the recording is found, and structures are compared by held-out error. Or one of hnn
    (the paper's H(q, p)), separable (T + V), mechanical (p^2 / 2m + V), pairwise (bodies, V(r) of each pair), helmholtz
    (any field, as two potentials; no control), chain (planar links on each other, with or without a cart, in closed
    form), baseline, second-order, with the options of the fit below."""
    integrator: str | None = None
    """Scheme to learn through: explicit-euler, semi-implicit-euler, leapfrog, rk4, midpoint, yoshida4, ..., or with
    substeps, "rk4 x 5". None: with auto the one that is found; otherwise the model's own, and for a log leapfrog in the
    place of symplectic Euler."""
    hidden: tuple[int, ...] | None = None
    """Units of the hidden layers; by default the model's own."""
    damping: bool = False
    """Learn viscous friction too."""
    dry: bool = False
    """For the mechanical model and the chain: learn Coulomb friction, which sticks, too."""
    mass_matrix: Literal["constant", "diagonal", "full"] = "constant"
    """For the mechanical model: constant inertias, or a diagonal or full mass matrix M(q)."""
    absolute: bool = False
    """For the chain model: the observed angles are absolute. Otherwise each is measured from the link before."""
    symmetric: bool = False
    """For the chain model: positions are 0 where the chain hangs or stands straight, and its links are symmetric."""
    coordinates: Path | None = None
    """File that says what the entries of observations and actions are, such as the one that collect writes beside a
    dataset. None: what the dataset declares, and where it declares nothing, what is inferred from it."""
    noisy: bool = False
    """For noisy sensors, or sensors without velocities: the model is mechanical, and the options of the fit below are
    those of FitSettings.for_noisy_data(), where they are not given. In Python give fit=FitSettings.for_noisy_data() and
    a model as well."""
    fit: Annotated[FitSettings, tyro.conf.arg(name="")] = dataclasses.field(default_factory=FitSettings)
    """How to fit."""
    test: float = 0.0
    """Share of the episodes to hold out and score; 0 trains on all."""
    steps: int | None = None
    """Use only the first so many transitions."""
    resume: bool = False
    """Resume an interrupted training in ``out``."""
    overwrite: bool = False
    """Replace a checkpoint in ``out``."""
    device: str = "cpu"
    """cpu or cuda: where to fit. The world is on NumPy either way, and --resume may continue on the other."""
    threads: int = 1
    """Threads for torch; small models are fastest with one."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.dataset is not tyro.MISSING:  # as in the defaults of --noisy
            check_fields(self)
        check_at_least(1, steps=self.steps)
        whole_number(self.threads, "--threads", at_least=1, at_most=MOST_THREADS)
        if self.model not in (*MODELS, AUTO):
            raise InputError(f"There is no model {self.model!r}: choose from {', '.join(sorted((*MODELS, AUTO)))}.")
        if self.integrator is not None:
            named_scheme(self.integrator)
        if self.model == AUTO:
            self._check_auto()
        if self.noisy and self.fit.loss != "shooting":
            raise InputError(f"noisy=True needs fit=FitSettings.for_noisy_data(), and the loss is {self.fit.loss!r}.")

    def _check_auto(self) -> None:
        if _options(self):
            raise InputError(
                f"{_flag(next(iter(_options(self))))} is an option of a model, and without --model the structure is "
                "found from the recording: add --model mechanical, or leave the option out."
            )
        if dataclasses.replace(self.fit, seed=0) != FitSettings():
            changed = next(
                field.name
                for field in dataclasses.fields(FitSettings)
                if field.name != "seed" and getattr(self.fit, field.name) != field.default
            )
            raise InputError(
                f"{_flag(changed)} is an option of the fit of a named model, and without --model the fit is chosen "
                "too: add --model mechanical, or leave the option out."
            )
        if self.resume:
            raise InputError("A search for the model is short and cannot be resumed: leave out --resume.")


def train(settings: TrainSettings, *, tell: Callable[[str], None] | None = None) -> WorldModel:
    """Learn a world as the settings say and save it.

    Args:
        settings: what to learn, and how.
        tell: called with a sentence for everything that is inferred about observations and actions, before the fit.

    Raises:
        AmbiguousMapError: coordinates are inferred, and the dataset can be read in several ways.
        InputError: dataset, model, options or device cannot be used, or there is nothing to resume.
        ExistingPathError: ``out`` holds a checkpoint, or an interrupted training.
        ConvergenceError: the fit diverged.
    """
    checked_device(settings.device)
    if settings.model == AUTO and settings.device != "cpu":
        raise InputError("The search for the model runs on the CPU: leave out --device, or name a --model.")
    dataset = TransitionDataset.open(settings.dataset)
    if settings.steps is not None:
        dataset = dataset.take_steps(settings.steps)
    held_out = None
    if settings.test:
        dataset, held_out = dataset.split(test=settings.test, rng=np.random.default_rng(settings.fit.seed))
    sample = sample_of(dataset, settings.fit)  # of a recording larger than memory
    found = dataset_map(sample, _coordinates(settings, dataset), None)
    if settings.resume and settings.overwrite:
        raise InputError("--resume and --overwrite exclude each other.")
    with TrainingFolder(settings.out) as folder:
        return _train_in(folder, settings, dataset, held_out, found, tell)


def _train_in(
    folder: TrainingFolder,
    settings: TrainSettings,
    dataset: TransitionDataset,
    held_out: TransitionDataset | None,
    found: InferredMap,
    tell: Callable[[str], None] | None,
) -> WorldModel:
    about, state = _fingerprint(settings, dataset, found), None
    if settings.resume:
        state = folder.resume(about)
        if state is None:
            return WorldModel.load(settings.out)
    else:
        folder.begin(overwrite=settings.overwrite)
    if settings.model == AUTO:
        scheme = None if settings.integrator is None else named_scheme(settings.integrator)
        world = train_found(dataset, found, integrator=scheme, seed=settings.fit.seed, tell=tell)
    else:
        for sentence in found.sentences:
            if tell is not None:
                tell(sentence)
        world = _fitted(settings, dataset, found, state, partial(folder.keep, about=about))
    if held_out is not None:
        figures = {**world.card["figures"], **_held_out_figures(world, held_out)}
        world = dataclasses.replace(world, card={**world.card, "figures": figures})
    card = {**world.card, "training": {**world.card["training"], "threads": torch.get_num_threads()}}
    world = dataclasses.replace(world, card=card)
    world.save(settings.out, overwrite=folder.replaces)
    folder.finish()
    return world


def _fitted(
    settings: TrainSettings,
    dataset: TransitionDataset,
    found: InferredMap,
    state: FitState | None,
    keep: Callable[[FitState], None],
) -> WorldModel:
    """The model that the settings name, fitted with progress bars and saved states."""
    if settings.fit == FitSettings(seed=settings.fit.seed):
        settings = dataclasses.replace(settings, fit=FitSettings.for_model(settings.model, settings.fit.seed))
    with _reporting(settings, keep, rounds=len(settings.fit.rounds(longest_episode(dataset)))) as report:
        world = train_world(
            dataset,
            settings.model,
            settings=settings.fit,
            options=_options(settings),
            coordinates=found.coordinates,
            integrator=_scheme(settings),
            dt=found.dt,
            state=state,
            report=report,
            device=settings.device,
        )
    return dataclasses.replace(world, card={**world.card, **inferred_card(found)})


def _scheme(settings: TrainSettings) -> Integrator | None:
    """The scheme that was named; where M depends on q, explicit ones act in velocities, as those of games do."""
    if settings.integrator is None:
        return None
    scheme = named_scheme(settings.integrator)
    constant = settings.mass_matrix == "constant" and settings.model != "chain"
    implicit = isinstance(getattr(scheme, "inner", scheme), IMPLICIT)
    return scheme if constant or implicit else InVelocities(scheme)


def _coordinates(settings: TrainSettings, dataset: TransitionDataset) -> Coordinates | None:
    if settings.coordinates is None:
        return None
    return read_coordinates(settings.coordinates, observation_size=dataset.episode(0).observation[0].size)


def _held_out_figures(world: WorldModel, held_out: TransitionDataset) -> dict[str, float]:
    if not any(world.coordinates.unobserved):
        return {"one_step_rms_on_held_out_episodes": one_step_rms(world, held_out)}
    horizon = min(10, longest_episode(held_out) // 2)  # without velocities a state takes some steps to estimate
    return {f"error_{horizon + 1}_to_{2 * horizon}_steps_ahead": held_out_error(world, held_out, horizon=horizon)}


def _options(settings: TrainSettings) -> dict[str, Any]:
    asked = {
        "hidden": settings.hidden,
        "damping": settings.damping,
        "mass_matrix": settings.mass_matrix,
        "dry": settings.dry,
        "absolute": settings.absolute,
        "symmetric": settings.symmetric,
    }
    return {name: value for name, value in asked.items() if value and value != "constant"}


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _fingerprint(settings: TrainSettings, dataset: TransitionDataset, found: InferredMap) -> dict[str, Any]:
    """All that the world is computed from, as JSON values."""
    values = {
        "data": dataset.content_hash(),
        "model": settings.model,
        "integrator": settings.integrator,
        "options": {name: list(v) if isinstance(v, tuple) else v for name, v in _options(settings).items()},
        "fit": dataclasses.asdict(settings.fit),
        "coordinates": found.coordinates.to_json(),
        "dt": found.dt,
        "test": settings.test,
    }
    read_back: dict[str, Any] = json.loads(json.dumps(values))
    return read_back


@contextmanager
def _reporting(settings: TrainSettings, keep: Callable[[FitState], None], *, rounds: int) -> Iterator[Any]:
    """Progress bar, TensorBoard scalars, and a saved state every few seconds; the first step makes the folder."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rms error {task.fields[rms]:.2e}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with ExitStack() as opened, Progress(*columns, console=Console(stderr=True)) as bars:
        scalars: SummaryWriter | None = None
        tasks: dict[str, TaskID] = {}  # a bar appears with the first step of its stage
        fit = settings.fit
        steps = {"adam": fit.adam_steps, "lbfgs": fit.lbfgs_steps, "least-squares": fit.least_squares_steps}
        streamed = ("stream", "final")  # stages of a large recording, which come once
        before = {"adam": 0, "lbfgs": fit.adam_steps, "least-squares": fit.adam_steps + fit.lbfgs_steps}
        before["stream"] = before["final"] = before["least-squares"] + fit.least_squares_steps
        of_round = fit.lbfgs_steps + fit.least_squares_steps
        saved = time.monotonic()
        latest: FitState | None = None

        def report(progress: FitProgress, state: FitState) -> None:
            nonlocal saved, latest, scalars
            latest = state
            if scalars is None:
                scalars = opened.enter_context(SummaryWriter(str(settings.out / SCALARS)))
            stage = progress.stage
            of_start = 1 if stage == "adam" else rounds
            earlier = state.start * of_start + state.round
            done = progress.step if stage in streamed else earlier * steps[stage] + progress.step
            if stage not in tasks:
                total = progress.total if stage in streamed else steps[stage] * of_start * fit.starts
                tasks[stage] = bars.add_task(_STAGES[stage], total=total, rms=0.0)
            bars.update(tasks[stage], completed=done, rms=progress.loss**0.5)
            step = state.start * (fit.adam_steps + rounds * of_round)
            step += state.round * of_round + before[stage] + progress.step
            step += state.stream_step if stage == "final" else 0
            if progress.held_out is not None:
                scalars.add_scalar("held-out/loss", progress.held_out, step)
            scalars.add_scalar("train/loss", progress.loss, step)
            scalars.add_scalar("train/objective", progress.objective, step)
            if time.monotonic() - saved > _SAVE_EVERY_S:
                keep(state)
                saved = time.monotonic()

        try:
            yield report
        except BaseException:
            if latest is not None:
                keep(latest)
            raise


def _main(settings: TrainSettings) -> None:
    torch.set_num_threads(settings.threads)
    console = Console()
    try:
        world = train(settings, tell=partial(console.print, highlight=False, markup=False, soft_wrap=True))
    except KeyboardInterrupt as error:
        saved = TrainingFolder(settings.out).situation() is Situation.INTERRUPTED
        way_on = f"The same command with --resume continues the training in {settings.out}."
        raise type(error)(f"interrupted. {way_on if saved else 'Nothing was saved.'}") from None
    for name, value in world.card["figures"].items():
        console.print(f"{name.replace('_', ' ')}: {figure_text(value)}")
    words = [
        *physical_words(world.card),
        world.card.get("undetermined", ""),
        *world.card.get("task", {}).get("words", ()),
    ]
    for sentence in filter(None, words):
        console.print(sentence, highlight=False, soft_wrap=True)
    of_a_log = world.card["data"]["provenance"]["policy"] == LOG
    reward = ", reward=f" if of_a_log else ""
    console.print(f'gymnasium.make("HNN-v0", world_model="{settings.out}"{reward}) steps it.')
    if of_a_log:
        console.print("A log holds no rewards: f(observation, force, next_observation) is yours.")


def main() -> None:
    """Parse the command line and train."""
    noisy = None
    if "--noisy" in sys.argv[1:]:  # which other options keep their defaults is not known after parsing
        fit = FitSettings.for_noisy_data()
        noisy = TrainSettings(tyro.MISSING, out=tyro.MISSING, model="mechanical", noisy=True, fit=fit)
    run(_main, TrainSettings, prog="python -m hnn_gym.train", default=noisy)


if __name__ == "__main__":
    main()
