"""Policy gradients through the world itself: dR/d(policy), by autograd through short windows of dreams.

N dreams run side by side. In windows of h steps the policy climbs

    sum_{k < h} g^k r_k + g^h V(o_h),

r_k and o_h being differentiable functions of its parameters, and the critic V learns from TD(lambda) on the same
windows. The next window begins where the last one ended, cut from its gradient, so that gradients pass through h steps
and not through hundreds, where they explode.
Source: Xu et al., *Accelerated Policy Learning with Parallel Differentiable Simulation*, ICLR 2022.
"""

from __future__ import annotations

import io
import json
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hnn_gym.agents.agent_checkpoint import UNFINISHED
from hnn_gym.agents.identity import simulator_named
from hnn_gym.agents.planned_actions import bounded
from hnn_gym.agents.shac_policy import ShacPolicy, act
from hnn_gym.data.json_values import plain
from hnn_gym.envs.channels import ForceChannel
from hnn_gym.envs.checks import check_reward
from hnn_gym.envs.core import Simulator
from hnn_gym.errors import ConvergenceError, InputError, check_fields, checked_arguments
from hnn_gym.files.committed import replace_file
from hnn_gym.files.interrupts import deferred_interrupts
from hnn_gym.files.reading import MOST_ARRAY_BYTES, check_archive, read_bytes
from hnn_gym.files.seal import sealed_bytes, unsealed_bytes
from hnn_gym.files.storage import checked_path, storage_errors
from hnn_gym.models.mlp import MLP, initial_mlp
from hnn_gym.physics.phase import Array
from hnn_gym.worlds.devices import checked_device, on_numpy

Parameters = dict[str, torch.Tensor]
UpdateReport = Callable[[int, float], None]
"""(updates so far, mean reward of a step in the last window)."""


@dataclass(frozen=True)
class ShacSettings:
    """How a policy is trained through the world."""

    updates: int = 1200
    """Windows, each with one step of the policy."""
    num_envs: int = 128
    """Dreams side by side."""
    window: int = 16
    """Steps that a gradient passes through."""
    dream: int = 200
    """Steps of the longest dream; the critic values what follows."""
    gamma: float = 0.99
    """Discount of a step."""
    trace: float = 0.95
    """The lambda of TD(lambda)."""
    hidden: tuple[int, ...] = (64, 64)
    """Units of the hidden layers of policy and critic."""
    learning_rate: float = 3e-3
    """Learning rate of Adam for the policy; it falls linearly to a fiftieth."""
    critic_rate: float = 3e-3
    """Learning rate of Adam for the critic; it falls in the same way."""
    critic_steps: int = 8
    """Optimiser steps of the critic in a window."""
    noise: float = 0.3
    """Standard deviation of the noise on actions, as a share of half their range; it falls linearly to 0."""
    spread: float = 1.0
    """Standard deviation of the noise on the velocities of starts, in units of the velocities seen under random
    actions; it falls linearly to 0. Without it a policy may never see the energies that it needs."""
    clip: float = 1.0
    """Largest norm of a gradient of the policy."""
    seed: int = 0
    """Seed of weights, starts and noise."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_fields(self)
        if min(self.updates, self.num_envs, self.window, self.critic_steps, self.dream) < 1:
            raise InputError(f"updates, num_envs, window, critic_steps and dream must be at least 1: {self}.")
        if not (0 < self.gamma <= 1 and 0 <= self.trace <= 1 and self.learning_rate > 0 and self.clip > 0):
            raise InputError(f"gamma and trace must be in (0, 1], learning_rate and clip above 0: {self}.")


@checked_arguments
def train_shac(
    simulator: Simulator,
    settings: ShacSettings | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    save_every: float = 10.0,
    report: UpdateReport | None = None,
    device: str = "cpu",
    about: Mapping[str, Any] | None = None,
) -> ShacPolicy:
    """Train a policy by gradients through a learned world.

    Example:
        >>> from hnn_gym.envs.build import build_simulator
        >>> policy = train_shac(build_simulator("runs/pendulum"))  # doctest: +SKIP

    Args:
        simulator: the dream: a world and a task whose reward takes torch tensors.
        settings: None takes the defaults.
        folder: where the unfinished training is saved until a policy is saved there. An unfinished training in it
            resumes, and reaches exactly the numbers that it would have reached uninterrupted.
        save_every: seconds between two saves.
        report: called after every update.
        device: of dreams and networks, "cpu" or "cuda"; a training may resume on another. Starts and noise are drawn
            on the CPU, the same for both.
        about: extra metadata that identifies this training, such as the name of a reward of yours. A training in
            ``folder`` resumes only if its metadata matches.

    Raises:
        InputError: actions are not bounded forces, the world cannot be moved to torch, the reward fails on torch
            tensors, the unfinished training had other settings, or there is no such device.
        ConvergenceError: the world or the training reached numbers that are not finite.
    """
    settings = settings or ShacSettings()
    trainer = _Trainer(simulator, settings, checked_device(device))
    kept = None if folder is None else checked_path(folder) / UNFINISHED
    training = json.dumps([asdict(settings), simulator_named(simulator), plain(about or {})])
    first = 0 if kept is None or not kept.exists() else _resume(kept, trainer, training)
    saved = time.monotonic()
    for update in range(first, settings.updates):
        if kept is not None and time.monotonic() - saved > save_every:
            _keep(kept, trainer, training, update)
            saved = time.monotonic()
        done = update
        try:
            with deferred_interrupts():  # a window is done as a whole, or not at all
                reward = trainer.window(1 - update / settings.updates)
                done = update + 1
            if report is not None:
                report(done, reward)
        except KeyboardInterrupt:
            if kept is not None:
                _keep(kept, trainer, training, done)
            raise
    if kept is not None:
        _keep(kept, trainer, training, settings.updates)
    return trainer.policy()


def _keep(path: Path, trainer: _Trainer, about: str, update: int) -> None:
    content = io.BytesIO()
    torch.save({"about": about, "update": update, **trainer.state()}, content)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, sealed_bytes(content.getvalue()))


def _resume(path: Path, trainer: _Trainer, about: str) -> int:
    """Put a trainer where an unfinished training was; return its next update."""
    try:
        data = unsealed_bytes(read_bytes(path), path)
        check_archive(data, path, at_most=MOST_ARRAY_BYTES)
        saved = torch.load(io.BytesIO(data), weights_only=True)  # this unpickles nothing but tensors
        same = saved["about"] == about
        if same:
            trainer.restore(saved)
    except Exception as error:  # torch has no error of its own for a file of another kind
        raise InputError(f"The unfinished training {path} cannot be read ({error}): remove it.") from None
    if not same:
        raise InputError(f"The unfinished training {path} had other settings: give the same, or remove it.")
    return int(saved["update"])


class _Trainer:
    """Policy, critic, their optimisers, and the dreams they run in."""

    def __init__(self, simulator: Simulator, settings: ShacSettings, device: str | torch.device = "cpu") -> None:
        space = bounded(simulator.channel.space(simulator.task))
        if not isinstance(simulator.channel, ForceChannel):
            raise InputError(
                "Gradients through a world need actions that are bounded forces: leave out actions=..., or train with "
                "stable-baselines3."
            )
        if not simulator.world.coordinates.controls:
            raise InputError("This world has no controls: there is nothing a policy could do.")
        self._kind = torch.zeros(1, dtype=torch.float32, device=device)
        self._simulator = simulator.like(self._kind)
        self._task, self._world, self._space, self._settings = simulator.task, simulator.world, space, settings
        self._rng = np.random.default_rng(settings.seed)
        self._noise = torch.Generator().manual_seed(settings.seed)
        self._x = self._drawn(settings.num_envs)
        self._check_reward()
        self._age = self._rng.integers(0, settings.window, settings.num_envs)  # so that not all end in one step
        scale, self._unit, self._speed = self._measured()
        sizes = (len(scale), *settings.hidden)
        arrays = initial_mlp("policy", (*sizes, *(space.shape or ())), rng=self._rng)
        last = f"policy.w{len(settings.hidden)}"
        arrays[last] = 0.01 * arrays[last]  # the first policy does almost nothing
        self._policy = {name: self._tensor(value).requires_grad_() for name, value in arrays.items()}
        critic = initial_mlp("critic", (*sizes, 1), rng=self._rng)
        self._critic = {name: self._tensor(value).requires_grad_() for name, value in critic.items()}
        self._target = {name: value.detach().clone() for name, value in self._critic.items()}
        self._scale = {"scale": self._tensor(scale)}
        self._climb = torch.optim.Adam(self._policy.values(), betas=(0.7, 0.95))
        self._fit = torch.optim.Adam(self._critic.values(), betas=(0.7, 0.95))

    def state(self) -> dict[str, Any]:
        """All that the next updates depend on, as tensors on the CPU and plain values."""
        state = {
            "policy": self._policy,
            "critic": self._critic,
            "target": self._target,
            "scale": self._scale,
            "units": [self._unit, self._speed],
            "optimisers": [self._climb.state_dict(), self._fit.state_dict()],
            "dreams": [self._x, torch.as_tensor(self._age)],
            "noise": self._noise.get_state(),
            "rng": json.dumps(self._rng.bit_generator.state),
        }
        moved: dict[str, Any] = _on_cpu(state)
        return moved

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state` returned."""
        with torch.no_grad():
            for own, name in ((self._policy, "policy"), (self._critic, "critic"), (self._target, "target")):
                for key, value in own.items():
                    value.copy_(state[name][key])
        self._scale = {"scale": state["scale"]["scale"].to(self._kind.device)}
        self._unit, self._speed = state["units"]
        self._climb.load_state_dict(state["optimisers"][0])
        self._fit.load_state_dict(state["optimisers"][1])
        self._x, self._age = state["dreams"][0].to(self._kind.device), on_numpy(state["dreams"][1])
        self._noise.set_state(state["noise"])
        self._rng.bit_generator.state = json.loads(state["rng"])

    def policy(self) -> ShacPolicy:
        """The policy as it stands, on NumPy."""
        arrays = {name: on_numpy(value).astype(np.float64) for name, value in (self._policy | self._scale).items()}
        return ShacPolicy(arrays, self._task.observation_space, self._space)

    def window(self, left: float) -> float:
        """Run one window: one step of the policy and some of the critic. ``left`` falls from 1 to 0."""
        settings, x, limit = self._settings, self._x, self._dream_length(left)
        gained = self._kind.new_zeros(settings.num_envs)
        discount = self._kind.new_ones(settings.num_envs)
        observed, rewards, values, ends = [], [], [], []
        for step in range(settings.window):
            observation = self._seen(x, self._age)
            transition = self._simulator.transition(x, self._action(observation, left), self._time(self._age))
            reward = transition.reward / self._unit
            gained = gained + discount * reward
            discount = discount * settings.gamma
            x, self._age = transition.x, self._age + 1
            cut = self._simulator.cut(transition.disagreement)
            truncated = (self._age >= limit) | (False if cut is None else on_numpy(cut))
            ended = on_numpy(transition.terminated) | truncated
            # The critic values the state in which a dream was truncated; after a termination the value is 0.
            value = torch.where(transition.terminated, 0.0, self._valued(self._target, self._seen(x, self._age)))
            last = step == settings.window - 1
            over = self._mask(ended | last)
            gained = gained + torch.where(over, discount * value, 0.0)
            observed.append(observation.detach())
            rewards.append(reward.detach())
            values.append(value.detach())
            ends.append(over)
            if ended.any():
                begun = self._mask(ended)
                x = torch.where(begun[:, None], self._fresh(ended, self._settings.spread * left), x)
                discount = torch.where(begun, 1.0, discount)
                self._age[ended] = 0
        self._step(-gained.mean() / settings.window, left)
        self._x = x.detach()
        self._learn_values(torch.stack(observed), torch.stack(rewards), torch.stack(values), torch.stack(ends), left)
        return float(torch.stack(rewards).mean()) * self._unit

    def _dream_length(self, left: float) -> int:
        """Steps after which a dream restarts: one window at first, the full length from half of the training on.

        Values are thus learned near the starts first and spread from there, before gradients need them elsewhere.
        """
        longest = min(self._task.max_episode_steps or self._settings.dream, self._settings.dream)
        short = min(self._settings.window, longest)
        return short + round((longest - short) * min(2 * (1 - left), 1.0))

    def _learn_values(
        self, observed: torch.Tensor, rewards: torch.Tensor, values: torch.Tensor, ends: torch.Tensor, left: float
    ) -> None:
        """Train the critic towards TD(lambda) of the window, each ``(h, N)``; then move the target critic after it."""
        settings = self._settings
        targets, ahead = torch.empty_like(rewards), values[-1]
        for k in range(len(rewards) - 1, -1, -1):
            beyond = torch.where(ends[k], values[k], settings.trace * ahead + (1 - settings.trace) * values[k])
            ahead = targets[k] = rewards[k] + settings.gamma * beyond
        for group in self._fit.param_groups:
            group["lr"] = settings.critic_rate * max(left, 0.02)
        for _ in range(settings.critic_steps):
            loss = (self._valued(self._critic, observed) - targets).square().mean()
            self._fit.zero_grad()
            loss.backward()
            self._fit.step()
        with torch.no_grad():
            for name, value in self._target.items():
                value.lerp_(self._critic[name], 0.5)

    def _step(self, loss: torch.Tensor, left: float) -> None:
        """One step of Adam on the policy."""
        for group in self._climb.param_groups:
            group["lr"] = self._settings.learning_rate * max(left, 0.02)
        self._climb.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self._policy.values(), self._settings.clip)
        if not math.isfinite(float(norm)):
            raise ConvergenceError("The gradient through the world is not finite: shorten the window, or the clip.")
        self._climb.step()

    def _check_reward(self) -> None:
        """Refuse a reward that fails on tensors with a gradient, as those of a window are."""
        force = self._kind.new_zeros(len(self._x), len(self._world.coordinates.controls))
        check_reward(
            self._task, *(part.detach().requires_grad_() for part in (*self._simulator.world.state(self._x), force))
        )

    def _action(self, observation: torch.Tensor, left: float) -> torch.Tensor:
        action: torch.Tensor = act(self._policy | self._scale, observation, self._space)
        drawn = torch.randn(action.shape, generator=self._noise, dtype=self._kind.dtype).to(self._kind.device)
        noise = drawn * (self._settings.noise * left)
        low, high = self._tensor(self._space.low), self._tensor(self._space.high)
        action = action + (high - low) / 2 * noise
        # The clipped action takes the gradient of the unclipped one; otherwise a saturated policy could not recover.
        return torch.clamp(action, low, high).detach() + (action - action.detach())

    def _seen(self, x: torch.Tensor, age: np.ndarray) -> torch.Tensor:
        """Observations of phase points in episodes that have lasted so many steps ``(N,)``."""
        seen: torch.Tensor = self._simulator.observation(*self._simulator.world.state(x), self._time(age))
        return seen

    def _time(self, age: np.ndarray) -> torch.Tensor:
        """Seconds ``(N,)`` of episodes that have lasted so many steps."""
        return self._tensor(age * abs(self._world.dt))

    def _valued(self, critic: Parameters, observation: torch.Tensor) -> torch.Tensor:
        value: torch.Tensor = MLP.of(critic, "critic")(observation / self._scale["scale"])[..., 0]
        return value

    def _drawn(self, count: int, spread: float = 0.0) -> torch.Tensor:
        """Phase points ``(count, 2n)`` where episodes begin; ``spread`` adds noise to their velocities."""
        starts = [self._task.initial(self._rng, {}) for _ in range(count)]
        q, v = (np.array(part) for part in zip(*starts, strict=True))
        if spread:
            v = v + self._rng.normal(size=v.shape) * spread * self._speed
        return self._tensor(self._world.within_speed_limits(self._world.phase_point(q, v)))

    def _fresh(self, ended: np.ndarray, spread: float) -> torch.Tensor:
        x = self._kind.new_zeros(len(ended), self._x.shape[1])
        x[self._mask(ended)] = self._drawn(int(ended.sum()), spread)
        return x

    def _measured(self) -> tuple[np.ndarray, float, float]:
        """Measure the size of every observation entry, of a return, and of a velocity under random actions."""
        x, seen, rewards, age = self._x, [], [], np.zeros(len(self._x))
        with torch.no_grad():
            for _ in range(100):
                draw = self._rng.uniform(self._space.low, self._space.high, (len(x), *(self._space.shape or ())))
                transition = self._simulator.transition(x, self._tensor(draw), self._time(age))
                x, age = torch.where(transition.terminated[:, None], x, transition.x), age + 1
                seen.append(self._seen(x, age))
                rewards.append(transition.reward)
        scale = on_numpy(torch.stack(seen).square().mean(dim=(0, 1)).sqrt()).astype(np.float64)
        horizon = min(1 / max(1 - self._settings.gamma, 1e-3), self._task.max_episode_steps or 1000)
        unit = float(torch.stack(rewards).abs().mean()) * horizon
        speed = float(self._simulator.world.state(x)[1].square().mean().sqrt())
        return np.where(scale > 0, scale, 1.0), unit if unit > 0 else 1.0, speed

    def _tensor(self, values: Array) -> torch.Tensor:
        return torch.as_tensor(np.asarray(values), dtype=self._kind.dtype, device=self._kind.device)

    def _mask(self, values: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(values, device=self._kind.device)


def _on_cpu(value: Any) -> Any:
    """The same dicts and lists with their tensors on the CPU, without gradients."""
    if isinstance(value, torch.Tensor):
        return value.detach().cpu()
    if isinstance(value, dict):
        return {key: _on_cpu(entry) for key, entry in value.items()}
    return [_on_cpu(entry) for entry in value] if isinstance(value, list) else value
