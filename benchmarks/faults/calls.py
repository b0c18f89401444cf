"""Wrong calls and command lines: one argument of a right call is replaced by something that cannot be right.

What counts as a fault is an exception that is neither an InputError nor a ConvergenceError nor one of Gymnasium's own
errors, and on a command line a traceback. A call that takes the value is no fault: some of the values make sense there.
The process may allocate 4 GiB more than it had, so that a call that asks for more is a fault too.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import resource
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_WRONG: tuple[Any, ...] = (
    None, True, -1, 0, 10**9, 1.5, -0.5, float("nan"), float("inf"), "", "x", "1", b"x", [], [1, 2], {}, {"a": 1},
    object(), 1j, (None,),
)  # fmt: skip
_BYTES = 2**32
_WORDS = ("", "x", "-1", "0", "1.5", "nan", "inf", "[]", "{", "null", "--", "1" * 400, "../x", "~nobody/x", "\n")


def _functions(folder: Path) -> dict[str, tuple[Callable[..., Any], dict[str, Any]]]:
    """Right calls: a function and its arguments by name."""
    import gymnasium
    import numpy as np

    import hnn_gym
    from hnn_gym.agents.energy_shaping import EnergyShaping
    from hnn_gym.agents.sampling import SamplingPlanner
    from hnn_gym.coordinates import Control, DegreeOfFreedom
    from hnn_gym.envs.build import build_simulator
    from hnn_gym.envs.shipped import resolve_world

    world = resolve_world("HNNPendulum-v0")
    env: Any = gymnasium.make("HNNPendulum-v0").unwrapped
    env.reset(seed=0)
    envs: Any = gymnasium.make_vec("HNNPendulum-v0", 2)
    envs.reset(seed=0)
    planner = SamplingPlanner(build_simulator("HNNPendulum-v0"), horizon=2, samples=4)
    data = hnn_gym.record_steps(gymnasium.make("Pendulum-v1"), steps=40, seed=0)
    return {
        "env.step": (lambda action: env.step(action), {"action": np.zeros(1)}),
        "env.reset": (lambda seed, options: env.reset(seed=seed, options=options), {"seed": 0, "options": {}}),
        "env.bump": (lambda dE: env.bump(dE), {"dE": 0.1}),
        "envs.step": (lambda actions: envs.step(actions), {"actions": np.zeros((2, 1))}),
        "envs.reset": (lambda seed, options: envs.reset(seed=seed, options=options), {"seed": 0, "options": {}}),
        "make": (
            lambda **options: gymnasium.make("HNNPendulum-v0", **options),
            {
                "dt": 0.05,
                "actions": "bump",
                "bump_limit": 1.0,
                "bump_cost": 0.1,
                "stepping": "recorded",
                "starts": None,
            },
        ),
        "make_vec": (
            lambda **options: gymnasium.make_vec("HNNPendulum-v0", **options),
            {"num_envs": 2, "dtype": "float64", "autoreset_mode": "NextStep", "max_episode_steps": 5},
        ),
        "make HNN-v0": (lambda world_model: gymnasium.make("HNN-v0", world_model=world_model), {"world_model": world}),
        "FitSettings": (
            hnn_gym.FitSettings,
            {"horizon": 1, "adam_steps": 1, "learning_rate": 0.1, "decay": 0.1, "seed": 0, "loss": "prediction"},
        ),
        "Control": (Control, {"degree": 0, "limit": 1.0, "unit": "N", "scale": 1.0}),
        "DegreeOfFreedom": (DegreeOfFreedom, {"position": 0, "velocity": 1, "speed_limit": 8.0}),
        "WorldModel.load": (hnn_gym.WorldModel.load, {"path": str(folder / "nowhere")}),
        "TransitionDataset.open": (hnn_gym.TransitionDataset.open, {"path": str(folder / "nowhere")}),
        "with_dt": (world.with_dt, {"dt": 0.1}),
        "take_steps": (data.take_steps, {"steps": 10}),
        "windows": (data.windows, {"k": 2, "stride": 1}),
        "select": (data.select, {"indices": [0]}),
        "SamplingPlanner": (
            lambda **options: SamplingPlanner(build_simulator("HNNPendulum-v0"), **options),
            {"horizon": 2, "samples": 4, "std": 1.0, "seed": 0},
        ),
        "EnergyShaping": (lambda **o: EnergyShaping(world, **o), {"target": 1.0, "limit": 1.0, "tolerance": 0.1}),
        "predict": (lambda observation: planner.predict(observation), {"observation": np.ones((1, 3))}),
        "train_world": (
            lambda **o: hnn_gym.train_world(data, **o),
            {
                "model": "mechanical",
                "settings": hnn_gym.FitSettings(adam_steps=1, lbfgs_steps=0),
                "options": {"hidden": (2,)},
            },
        ),
    }


def _command_lines(folder: Path) -> dict[str, tuple[Callable[[], Any], list[str]]]:
    """Right command lines; none of them gets to work, because what they read is not there."""
    from hnn_gym import collect, command, play, train
    from hnn_gym.agents import train as agents

    nowhere, out = str(folder / "nowhere"), str(folder / "out")
    return {
        "collect": (
            lambda: command.run(collect.main, collect.CollectSettings, prog="collect"),
            [
                "--env",
                "Pendulum-v1",
                "--out",
                out,
                "--steps",
                "3",
                "--seed",
                "0",
                "--policy",
                "zero",
                "--env-kwargs",
                "{}",
            ],
        ),
        "train": (train.main, [nowhere, "--out", out, "--model", "mechanical", "--hidden", "4", "--horizon", "1"]),  # type: ignore[attr-defined]
        "agents.train": (
            lambda: command.run(agents._main, agents.TrainAgentSettings, prog="agents.train"),
            ["--world", nowhere, "--out", out, "--algo", "sac", "--steps", "4", "--seed", "0"],
        ),
        "play": (
            lambda: command.run(play.play, play.PlaySettings, prog="play"),
            [nowhere, "--headless", "--frames", "1", "--out", f"{out}.gif", "--joules", "1"],
        ),
    }


@contextlib.contextmanager
def _little_memory() -> Iterator[None]:
    """Let this process allocate no more than :data:`_BYTES` in the block, in addition to what it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + _BYTES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def wrong_calls(count: int, *, seed: int) -> dict[str, Any]:
    """Make wrong calls and command lines, half of each; a JSON-ready summary."""
    import gymnasium

    from hnn_gym.errors import ConvergenceError, InputError

    faults: list[str] = []
    with tempfile.TemporaryDirectory() as temporary, warnings.catch_warnings(), _little_memory():
        warnings.simplefilter("ignore")
        folder, here = Path(temporary), os.getcwd()
        os.chdir(folder)
        try:
            functions, lines = _functions(folder), _command_lines(folder)
            for number in range(count):
                draw = random.Random(f"{seed}/{number}")
                if number % 2:
                    name = draw.choice(list(functions))
                    function, right = functions[name]
                    which, value = draw.choice(list(right)), draw.choice(_WRONG)
                    what = f"{name}({which}={value!r})"
                    with contextlib.redirect_stderr(io.StringIO()):
                        try:
                            function(**{**right, which: value})
                        except (InputError, ConvergenceError, gymnasium.error.Error):
                            pass
                        except BaseException as error:
                            faults.append(f"{what}: {_described(error)}")
                    continue
                name = draw.choice(list(lines))
                run, words = lines[name]
                words = list(words)
                words[draw.randrange(len(words))] = draw.choice(_WORDS)
                before, sys.argv = sys.argv, [name, *words]
                text = io.StringIO()
                try:
                    with contextlib.redirect_stderr(text), contextlib.redirect_stdout(io.StringIO()):
                        run()
                except SystemExit:
                    if "Traceback" in text.getvalue():
                        faults.append(f"{name} {words}: a traceback")
                except BaseException as error:
                    faults.append(f"{name} {words}: {_described(error)}")
                finally:
                    sys.argv = before
        finally:
            os.chdir(here)
    return {"calls": count, "seed": seed, "faults": faults}


def _described(error: BaseException) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} {str(error)[:80]!r} in {Path(where.filename).name}:{where.name}"
