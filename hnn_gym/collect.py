"""Record transitions of a Gymnasium environment into a dataset on disk.

python -m hnn_gym.collect --env Pendulum-v1 --steps 2000 --out data/pendulum.zarr
python -m hnn_gym.collect --env Pendulum-v1 --steps 4000 --pixels 64 --workers 2 --out data/pixels.zarr
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import gymnasium
import rich.progress
import tyro

from hnn_gym import command
from hnn_gym.coordinates import Coordinates, describe, write_coordinates
from hnn_gym.coordinates.inference import AmbiguousMapError, declared_time_step
from hnn_gym.data import (
    Episode,
    FrameRule,
    MemoryWriter,
    ObservationNoise,
    PolicyChoice,
    RecordTransitions,
    StoreWriter,
    TransitionDataset,
    Writer,
    drive,
    episodes_in_processes,
)
from hnn_gym.data.environment import make_environment
from hnn_gym.data.excitation import excitation_faults
from hnn_gym.data.frames import WHOLE, Channels
from hnn_gym.data.inferred_map import coordinates_path, infer_dataset_map, recording_of
from hnn_gym.data.sharded_recording import ShardedRecording
from hnn_gym.data.simulator import STEP
from hnn_gym.errors import ConvergenceError, InputError, check_fields
from hnn_gym.studies import Execution


def _json_object(arguments: list[str]) -> dict[str, Any]:
    value = json.loads(arguments[0])
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


_JsonObject = Annotated[
    dict[str, Any],
    tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="JSON",
        instance_from_str=_json_object,
        is_instance=lambda value: isinstance(value, dict),
        str_from_instance=lambda value: [json.dumps(value)],
    ),
]


@dataclass(frozen=True, kw_only=True)
class CollectSettings:
    """Record transitions of a Gymnasium environment into a dataset on disk."""

    env: str
    """Environment id, such as Pendulum-v1, or module:Id-v0 to import a module that registers it."""
    out: Path
    """Folder of the dataset."""
    steps: int = 2000
    """Number of transitions to record; the last episode may be cut."""
    policy: str = "random"
    """Policy of the actions: random (uniform in the action space), bang-bang (the bounds), sine, zero, or
    module:function of (observation, rng) -> action."""
    hold: int | None = None
    """random and bang-bang keep an action for a random number of steps up to this. None: 1 for random, 20 for
    bang-bang."""
    periods: tuple[float, float] | None = None
    """Shortest and longest period of sine, in steps. None: 10 and 100."""
    seed: int | None = None
    """Seed of starts and actions. None: 0, or when appending, the seed of the dataset, continued."""
    append: tyro.conf.FlagCreatePairsOff[bool] = False
    """Add episodes to an existing dataset."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace an existing dataset, once the new one has its first episode."""
    state: tyro.conf.FlagCreatePairsOff[bool] = False
    """Record the simulator's state too."""
    frames: tyro.conf.FlagCreatePairsOff[bool] = False
    """Record frames too, as they are drawn."""
    pixels: int | None = None
    """Record frames too, with this many rows and columns."""
    channels: Channels = "rgb"
    """Channels of the frames: colour, luma, or red minus green."""
    crop: tuple[float, float, float, float] = WHOLE
    """The part of the picture that the frames show: first and last row, first and last column, as shares."""
    oversampling: int = 4
    """Rows drawn for every row of a frame, where the environment draws at any size."""
    annotated: tyro.conf.FlagCreatePairsOff[bool] = False
    """Frames of this package's own environments also show forces, targets, trails and scale bars, and the camera
    follows. With --pixels they show the system alone; --frames shows what the environment draws by itself."""
    observation_noise: float = 0.0
    """Standard deviation of Gaussian noise on observations, as a share of half the range of each."""
    workers: int = 1
    """Processes, or cores of a Ray cluster, to record with; the rows of the dataset are the same."""
    executor: Literal["none", "processes", "ray"] = "none"
    """none: all steps pass through this process into one store. processes, ray: every worker writes shards of its own
    into the folder, which is opened as one dataset; on a cluster all machines have to see it under the same path."""
    address: str | None = None
    """Ray cluster: auto for the one of this machine, or host:port. By default Ray is started here."""
    env_kwargs: _JsonObject = field(default_factory=dict)
    """Arguments for the environment, such as {"g": 9.81}."""
    dt: float | None = None
    """Time between two observations in s. None: what the environment says; one step is the unit of time if it says
    nothing."""

    def __post_init__(self) -> None:
        """Check the types."""
        check_fields(self)


def collect(settings: CollectSettings, *, progress: bool = False) -> TransitionDataset:
    """Record a dataset as the settings say, and open it; ``progress`` shows a bar on standard error.

    An interrupted recording keeps every step that was taken; with several workers, every episode that had been
    received in its order.

    Raises:
        MissingPathError: there is no dataset to append to.
        ExistingPathError: the path exists, and neither ``append`` nor ``overwrite`` is set.
        InputError: the environment does not exist, cannot be made or cannot be recorded; or a setting is out
            of range.
    """
    choice = PolicyChoice(settings.policy, settings.hold, settings.periods)
    if settings.executor != "none":
        return _collect_shards(settings, choice, progress=progress)
    writer = StoreWriter(settings.out, append=settings.append, overwrite=settings.overwrite)
    with ExitStack() as stack:
        stack.callback(writer.close)
        seed, first_episode = settings.seed, 0
        if settings.append:
            existing = writer.lock_existing(partial(print, file=sys.stderr) if progress else None)
            first_episode = len(existing.ends)
            seed = existing.provenance.seed if seed is None else seed
        seed = 0 if seed is None else seed
        recorder = _recorder(writer, settings=settings, choice=choice, seed=seed)
        stack.callback(recorder.close)
        policy = choice.policy(recorder.provenance.action_space)
        if settings.workers == 1:
            steps = drive(recorder, policy, steps=settings.steps, seed=seed, first_episode=first_episode)
        else:
            episodes = episodes_in_processes(
                partial(_recorder, settings=settings, choice=choice, seed=seed),
                policy=choice,
                steps=settings.steps,
                seed=seed,
                first_episode=first_episode,
                workers=settings.workers,
            )
            stack.enter_context(closing(episodes))  # which ends the processes, whatever happens
            steps = _written(writer, episodes)
        for _ in _shown(steps, settings) if progress else steps:
            pass
    return TransitionDataset.open(settings.out)


def _collect_shards(settings: CollectSettings, choice: PolicyChoice, *, progress: bool) -> TransitionDataset:
    workers = None if settings.address is not None else settings.workers
    execution = Execution(settings.executor, workers, settings.address)
    recording = ShardedRecording(settings.out, append=settings.append, overwrite=settings.overwrite)
    with closing(recording), execution.opened() as executor:
        assert executor is not None
        seed = settings.seed
        if recording.existing is not None and seed is None:
            seed = recording.existing.provenance.seed
        make = partial(_recorder, settings=settings, choice=choice, seed=seed or 0)
        episode_steps = _check_recorder(make, choice, recording)
        shards = recording.record(
            make,
            policy=choice,
            steps=settings.steps,
            seed=seed or 0,
            executor=executor,
            workers=settings.workers,
            episode_steps=episode_steps,
        )
        steps = (None for steps in shards for _ in range(steps))
        for _ in _shown(steps, settings) if progress else steps:
            pass
    return TransitionDataset.open(settings.out)


def _check_recorder(
    make: Callable[[Writer], RecordTransitions], choice: PolicyChoice, recording: ShardedRecording
) -> int | None:
    """Make the recorder here, so that errors come at once; return the length of its episodes, if there is one.

    Raises:
        InputError: the environment or its policy cannot be recorded, or not appended to what is there.
    """
    with closing(make(MemoryWriter())) as recorder:
        choice.policy(recorder.provenance.action_space)
        if recording.existing is not None:
            existing = recording.existing
            existing.provenance.continued_by(recorder.provenance, first_episode=len(existing.ends))
        spec = recorder.spec
        return None if spec is None else spec.max_episode_steps


def _recorder(writer: Writer, *, settings: CollectSettings, choice: PolicyChoice, seed: int) -> RecordTransitions:
    rule = _frame_rule(settings)
    env = _make(settings)
    try:
        return RecordTransitions(
            env,
            writer,
            record_state=settings.state,
            record_frames=rule or settings.frames,
            dt=settings.dt,
            seed=seed,
            policy=choice.name,
            policy_settings=choice.settings(),
            env_id=settings.env,
        )
    except BaseException:
        env.close()
        raise


def _frame_rule(settings: CollectSettings) -> FrameRule | None:
    if settings.pixels is None:
        return None
    if settings.frames:
        raise InputError("Frames are recorded as drawn or at a given size: give --frames or --pixels, not both.")
    return FrameRule(settings.pixels, settings.channels, settings.crop, settings.oversampling, settings.annotated)


def _written(writer: Writer, episodes: Iterable[Episode]) -> Iterator[None]:
    for episode in episodes:
        writer.write(episode)
        yield from [None] * episode.num_steps


def _make(settings: CollectSettings) -> gymnasium.Env[Any, Any]:
    draws = settings.frames or settings.pixels is not None
    env: gymnasium.Env[Any, Any] = _Named(make_environment(settings.env, settings.env_kwargs, draws=draws), settings)
    return ObservationNoise(env, settings.observation_noise) if settings.observation_noise else env


class _Named(gymnasium.Wrapper[Any, Any, Any, Any]):
    """An environment whose own errors name it and the arguments with which it was made."""

    def __init__(self, env: gymnasium.Env[Any, Any], settings: CollectSettings) -> None:
        super().__init__(env)
        self._named = f"{settings.env}, made with {settings.env_kwargs}," if settings.env_kwargs else settings.env

    def reset(self, **kwargs: Any) -> Any:
        """As the environment does."""
        return self._run("reset", self.env.reset, **kwargs)

    def step(self, action: Any) -> Any:
        """As the environment does."""
        return self._run("stepped", self.env.step, action)

    def render(self) -> Any:
        """As the environment does."""
        return self._run("drawn", self.env.render)

    def _run(self, done: str, function: Callable[..., Any], *arguments: Any, **kwargs: Any) -> Any:
        try:
            return function(*arguments, **kwargs)
        except (InputError, ConvergenceError):
            raise
        except (Exception, SystemExit, GeneratorExit) as error:  # an environment may raise anything
            raise InputError(f"{self._named} cannot be {done} ({type(error).__name__}: {error}).") from error


def _shown(steps: Iterable[None], settings: CollectSettings) -> Iterable[None]:
    return rich.progress.track(
        steps,
        total=settings.steps,
        description=f"Recording {settings.env}",
        console=rich.console.Console(stderr=True),
    )


def main(settings: CollectSettings) -> None:
    """Record, and print a summary of the recording."""
    try:
        dataset = collect(settings, progress=True)
    except KeyboardInterrupt as error:
        raise type(error)(_interrupted(settings.out)) from None
    print(f"{settings.out}: {dataset.num_steps} steps in {dataset.num_episodes} episodes")
    known_time = dataset.provenance.time_unit != STEP
    for fault in excitation_faults(dataset):
        print(f"Warning: {fault}", file=sys.stderr)
    if not (_tell_map(dataset, settings) or known_time):
        print(
            f"Warning: {settings.env} does not say how long a step is, so times are counted in steps. To have them in "
            "s, give --dt.",
            file=sys.stderr,
        )


def _tell_map(dataset: TransitionDataset, settings: CollectSettings) -> bool:
    """Say what the entries of observations and actions are, and write the file that overrules it.

    Returns:
        Whether velocities tell how long a step is.
    """
    provenance = dataset.provenance
    if provenance.coordinates is not None:
        coordinates = Coordinates.from_json(provenance.coordinates)
        sentences, dt = describe(coordinates, names=provenance.observation_names), None
        if provenance.time_unit == STEP:
            dt, clock = declared_time_step(recording_of(dataset), coordinates)
            sentences += (clock,)
        print(f"What {provenance.env_id} shows is known:")
    else:
        try:
            found = infer_dataset_map(dataset)
        except AmbiguousMapError as error:
            found = error.guess
            print(f"Warning: {error}", file=sys.stderr)
        except InputError as error:
            print(f"What {provenance.env_id} shows cannot be inferred: {error}", file=sys.stderr)
            return False
        coordinates, sentences, dt = found.coordinates, found.sentences, found.dt
        print(f"What {provenance.env_id} shows, inferred from the recording:")
    for sentence in sentences:
        print(f"  {sentence}")
    path = coordinates_path(settings.out)
    if path.exists() and not settings.overwrite:
        print(f"{path} exists and was kept. Delete it to have it written as above.")
    else:
        write_coordinates(path, coordinates, meaning=sentences)
        print(f"Where that is wrong, edit {path} and give it to python -m hnn_gym.train as --coordinates.")
    return dt is not None and dt != 1.0


def _interrupted(out: Path) -> str:
    try:
        dataset = TransitionDataset.open(out)
    except InputError:
        return "interrupted before the first step, so that nothing was written."
    return (
        f"interrupted. {out} holds {dataset.num_steps} steps in {dataset.num_episodes} episodes: --append --steps N "
        "records N more."
    )


if __name__ == "__main__":
    command.run(main, CollectSettings, prog="python -m hnn_gym.collect")
