"""Steps per second: ``python -m benchmarks.throughput --out docs/results/throughput.json``.

Ours against Gymnasium's, stable-baselines3's and the roofline, side by side in one run.
"""

from __future__ import annotations

import functools
import itertools
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.vector import SyncVectorEnv
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

import hnn_gym
from benchmarks.timing import Row, compared, report, rounds, timed
from hnn_gym.command import run
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.envs.vector import SimulatorVectorEnv
from hnn_gym.physics.hamiltonians import NBody
from hnn_gym.systems import PendulumSwingUp
from hnn_gym.worlds.world_model import WorldModel

COMMAND = "python -m benchmarks.throughput --out docs/results/throughput.json"
WIDTHS = ((8,), (32,), (128,), (32, 32), (64, 64), (200, 200))
_TURNS = 30
OURS, THEIRS = "HNNPendulum-v0", "Pendulum-v1"


@dataclass(frozen=True)
class Settings:
    """Compare the speed of environments."""

    out: Path | None = None
    """JSON file for the results; None only prints them."""
    repeats: int = 15
    """Rounds of every comparison."""
    quick: bool = False
    """Run one round with little work, to check that everything runs."""


def episodes_of_one(env_id: str, steps: int) -> Callable[[], float]:
    """Random actions in one environment, which is reset when an episode ends."""
    env = gymnasium.make(env_id)
    env.reset(seed=0)
    env.action_space.seed(0)

    def run() -> float:
        began = time.perf_counter()
        for _ in range(steps):
            _, _, terminated, truncated, _ = env.step(env.action_space.sample())
            if terminated or truncated:
                env.reset()
        return (time.perf_counter() - began) / steps

    return run


def batches(envs: Any, steps: int) -> Callable[[], float]:
    """Random actions, drawn before, in a vector environment of either kind."""
    envs.reset(**({"seed": 0} if hasattr(envs, "single_action_space") else {}))
    one = getattr(envs, "single_action_space", envs.action_space)
    rng = np.random.default_rng(0)
    shape = (envs.num_envs, *one.shape)
    actions = itertools.cycle([rng.uniform(one.low, one.high, shape).astype(np.float32) for _ in range(4)])
    return timed(lambda: envs.step(next(actions)), repeat=steps, units=envs.num_envs)


def vector(count: int, env_id: str = OURS, **kwargs: Any) -> SimulatorVectorEnv:
    """Our vector environment, starts staggered as in the middle of training."""
    made = gymnasium.make_vec(
        env_id, num_envs=count, vectorization_mode="vector_entry_point", staggered=True, **kwargs
    ).unwrapped
    assert isinstance(made, SimulatorVectorEnv)
    return made


def widened(hidden: tuple[int, ...]) -> SimulatorVectorEnv:
    """1,024 pendulums with the shipped world's H replaced by an untrained network of other layers."""
    world = resolve_world(OURS)
    assert world.architecture is not None
    architecture = replace(world.architecture, hidden=hidden)  # type: ignore[call-arg]
    parameters = architecture.initial_parameters(np.random.default_rng(0))
    other = WorldModel.built(
        architecture, parameters, coordinates=world.coordinates, integrator=world.integrator, dt=world.dt
    )
    return SimulatorVectorEnv(other, num_envs=1024, task=PendulumSwingUp(), staggered=True)


def roofline(envs: SimulatorVectorEnv, repeat: int, dtype: Any = np.float64) -> Callable[[], float]:
    """The bare matrix products and tanh of one gradient of the network in ``envs``, without anything around them."""
    count = envs.num_envs
    network = envs.batch.simulator.world.dynamics.hamiltonian.potential_network.network  # type: ignore[union-attr]
    weights = [np.ascontiguousarray(w, dtype) for w in network.weights[:-1]]
    sizes = [weights[0].shape[1], *(w.shape[0] for w in weights)]
    layers = [np.ones((size, count), dtype) for size in sizes]
    backwards = [np.ones((size, count), dtype) for size in sizes]
    transposed = [np.ascontiguousarray(w.T) for w in weights]

    def gradient() -> None:
        for i, w in enumerate(weights):
            np.matmul(w, layers[i], layers[i + 1])
            np.tanh(layers[i + 1], layers[i + 1])
        for i in reversed(range(len(weights))):
            np.matmul(transposed[i], backwards[i + 1], backwards[i])

    return timed(gradient, repeat=repeat, units=count)


def bare(count: int, steps: int, *, resets: bool = True) -> Callable[[], float]:
    """The batched step with its resets, or in the middle of episodes, without any adapter."""
    batch = vector(count).batch
    batch.start(np.ones(count, bool))
    if resets:
        batch.stagger(np.random.default_rng(0))
    actions = np.random.default_rng(0).uniform(-2, 2, (count, 1)).astype(np.float32)

    def step() -> None:
        _, truncated = batch.advance(actions)
        if resets and truncated.any():
            batch.start(truncated)

    return timed(step, repeat=steps, units=count)


def ppo(envs: Any, *, total: int, rollout: int, minibatches: int) -> Callable[[], float]:
    """PPO from end to end, with the same number of epochs and of minibatches for any number of copies."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = PPO(
            "MlpPolicy",
            envs,
            n_steps=rollout // envs.num_envs,
            batch_size=rollout // minibatches,
            gamma=0.9,
            device="cpu",
            seed=0,
        )

    def run() -> float:
        began = time.perf_counter()
        model.learn(total, reset_num_timesteps=False)
        return (time.perf_counter() - began) / total

    return run


def gradients(batch: int, repeat: int) -> dict[str, Callable[[], float]]:
    """The gradient of a network of 2 x 64 units, in closed form and by autograd, in float64."""
    from hnn_gym.models.mlp import MLP, initial_mlp

    arrays = initial_mlp("h", (3, 64, 64, 1), rng=np.random.default_rng(0))
    z = np.random.default_rng(1).normal(size=(batch, 3))
    numpy_mlp = MLP.of(arrays, "h")
    torch_mlp = MLP.of({name: torch.from_numpy(a) for name, a in arrays.items()}, "h")
    points = torch.from_numpy(z)

    def autograd() -> None:
        leaf = points.detach().requires_grad_()
        torch.autograd.grad(torch_mlp(leaf).sum(), leaf)

    @torch.no_grad()
    def closed() -> None:
        torch_mlp.gradient(points)

    return {
        "numpy": timed(lambda: numpy_mlp.gradient(z), repeat=repeat, units=batch),
        "torch": timed(closed, repeat=repeat, units=batch),
        "autograd": timed(autograd, repeat=repeat, units=batch),
    }


MEMORY = """
import sys
import numpy as np
import gymnasium, hnn_gym
resident = lambda: int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6
one = gymnasium.make_vec("HNNPendulum-v0", num_envs=1)
one.reset(seed=0)
one.step(np.zeros(one.action_space.shape, np.float32))
before = resident()
envs = gymnasium.make_vec("HNNPendulum-v0", num_envs=int(sys.argv[1]))
envs.reset(seed=0)
actions = np.zeros(envs.action_space.shape, np.float32)
print(max((envs.step(actions), resident())[1] for _ in range(210)) - before)
"""


def memory(count: int) -> float:
    """Peak MB that ``count`` environments add to a process that has one, over more than an episode.

    The first environment loads the modules that ``import hnn_gym`` leaves for later.
    """
    completed = subprocess.run(
        [sys.executable, "-c", MEMORY, str(count)], capture_output=True, text=True, check=True, timeout=600
    )
    return float(completed.stdout.split()[-1])


def scaling(work: int) -> dict[str, dict[str, float]]:
    """Steps per second by number of environments and system; gravity by number of bodies, in pairs per second."""

    def speed(contestant: Callable[[], float]) -> float:
        # There is no other contestant: the best of short turns is one that nothing interrupts.
        return 1 / float(np.quantile([contestant() for _ in range(_TURNS)][1:], 0.25))

    numbers = [count for count in (1, 16, 64, 256, 1024, 4096, 16384, 65536) if count <= work]
    by_number = {
        str(count): speed(batches(vector(count), min(50, max(1, work // (_TURNS * count))))) for count in numbers
    }
    systems = ("HNNSpring-v0", "HNNIdealPendulum-v0", "HNNTwoBody-v0", "HNNThreeBody-v0", "ThreeBody-v0")
    by_system = {env_id: speed(batches(vector(1024, env_id), max(1, work // 200_000))) for env_id in systems}
    by_width = {str(hidden): speed(batches(widened(hidden), max(1, work // 200_000))) for hidden in WIDTHS}
    by_bodies = {}
    for bodies in (2, 10, 100, 500, 2000):
        if bodies**2 > 10 * work:
            continue
        system = NBody(masses=(1.0,) * bodies, softening=0.1)
        states = max(1, 4000 // bodies**2)
        q = np.random.default_rng(0).normal(size=(states, 2 * bodies))
        repeat = max(1, work // (1000 * max(bodies**2, 40)))
        forces = timed(functools.partial(system.potential_gradient, q), repeat=repeat, units=states)
        by_bodies[str(bodies)] = bodies**2 * speed(forces)
    return {
        "steps/s by copies": by_number,
        "steps/s of 1,024": by_system,
        "steps/s of 1,024 by hidden layers": by_width,
        "pair forces/s by bodies": by_bodies,
    }


def _main(settings: Settings) -> None:
    torch.set_num_threads(1)
    count, scale = (1, 20) if settings.quick else (settings.repeats, 1)
    rows: list[Row] = []

    singles = rounds({name: episodes_of_one(name, 4000 // scale) for name in (OURS, THEIRS)}, count)
    rows.append(compared("one environment, random actions", singles, OURS, THEIRS, bar=1.0))

    # The turns are short, so that few are interrupted, and there are more of them.
    vectors = {
        "ours": batches(vector(1024), 10),
        "float32": batches(vector(1024, dtype="float32"), 10),
        "Sync": batches(SyncVectorEnv([lambda: gymnasium.make(THEIRS)] * 64), 1),
        "roofline": roofline(vector(1024), 10),
        "roofline32": roofline(vector(1024), 10, np.float32),
        "2 x 64": batches(widened((64, 64)), 1),
        "roofline 2 x 64": roofline(widened((64, 64)), 1),
        "bare": bare(1024, 10),
        "middle": bare(1024, 10, resets=False),
        "adapter": batches(hnn_gym.make_sb3_vec(OURS, 1024, staggered=True), 10),
    }
    seconds = rounds(vectors, 1 if settings.quick else 20 * count)
    rows.append(compared("1,024 environments / SyncVectorEnv of 64", seconds, "ours", "Sync", bar=25))
    rows.append(compared("1,024 environments / roofline", seconds, "ours", "roofline", bar=0.5))
    rows.append(compared("the same, no episode beginning or ending / roofline", seconds, "middle", "roofline"))
    rows.append(compared("the same with a network of 2 x 64 / its own roofline", seconds, "2 x 64", "roofline 2 x 64"))
    rows.append(compared("1,024 environments in float32 / its own roofline", seconds, "float32", "roofline32"))
    rows.append(compared("1,024 environments in float32 / in float64", seconds, "float32", "ours"))
    overhead = [a / b - 1 for a, b in zip(seconds["adapter"], seconds["bare"], strict=True)]
    added = compared("stable-baselines3 adapter: overhead", seconds, "adapter", "bare")
    rows.append(replace(added, ratio=statistics.median(overhead), bar=0.2, at_most=True))

    learners = {
        "ours": ppo(hnn_gym.make_sb3_vec(OURS, 256), total=16384, rollout=16384, minibatches=64),
        "ours16": ppo(hnn_gym.make_sb3_vec(OURS, 16), total=4096, rollout=4096, minibatches=64),
        "Dummy": ppo(make_vec_env(THEIRS, 16), total=4096, rollout=4096, minibatches=64),
    }
    if settings.quick:
        learners = {
            name: ppo(envs, total=512, rollout=512, minibatches=8)
            for name, envs in (
                ("ours", hnn_gym.make_sb3_vec(OURS, 256)),
                ("ours16", hnn_gym.make_sb3_vec(OURS, 16)),
                ("Dummy", make_vec_env(THEIRS, 16)),
            )
        }
    learned = rounds(learners, min(count, 5))
    rows.append(compared("PPO, 256 copies / DummyVecEnv of 16", learned, "ours", "Dummy", bar=3))
    rows.append(compared("PPO, 16 copies / DummyVecEnv of 16", learned, "ours16", "Dummy"))

    for batch, bar in ((1, 4), (64, 2), (1024, 1.3)):
        timings = rounds(gradients(batch, max(5, 20_000 // scale // (batch + 20))), count)
        rows.append(compared(f"gradient of 2 x 64, batch {batch:,}", timings, "numpy", "autograd", bar=bar))
        rows.append(compared(f"the same, closed form in torch, batch {batch:,}", timings, "torch", "autograd"))

    many = 64 if settings.quick else 16384
    used = memory(many)
    rows.append(Row(f"memory of {many:,} environments", used, 200.0, "MB", used / 200, bar=1.0, at_most=True))
    if torch.cuda.is_available():
        gpu = vector(65536, device="cuda", dtype="float32")
        gpu.reset(seed=0)
        actions = torch.zeros(65536, 1, device="cuda")

        def step() -> None:
            gpu.step(actions)
            torch.cuda.synchronize()

        speed = 1 / timed(step, repeat=200 // scale, units=65536)()
        rows.append(Row("65,536 environments on a GPU", speed, 1e8, "1/s", speed / 1e8, bar=1.0))
    report(rows, command=COMMAND, out=settings.out, more={"scaling": scaling(2_000 if settings.quick else 400_000)})


if __name__ == "__main__":
    run(_main, Settings, prog="python -m benchmarks.throughput")
