"""Training on a device: the same numbers as on the CPU, every tensor where it belongs, NumPy back.

There is no GPU here, so one is pretended. Its tensors say that they lie on torch's device "meta" and hold their numbers
out of reach, in a tensor of the CPU. As with CUDA, an operation on tensors of two devices fails, and so does NumPy on a
tensor that was not moved to the CPU first; everything else is computed on the CPU, to the bits of the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map

import hnn_gym.agents.train
import hnn_gym.train
from benchmarks import training
from hnn_gym import FitSettings, TransitionDataset, WorldModel, record_steps, train_world
from hnn_gym.agents.agent_checkpoint import UNFINISHED
from hnn_gym.agents.sb3 import AgentRecipe, train_agent
from hnn_gym.agents.shac import ShacSettings, train_shac
from hnn_gym.envs.build import build_simulator
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import InputError
from hnn_gym.systems import true_world
from hnn_gym.training import FitState, PixelSettings, held_out_error, train_ensemble, train_pixel_world
from hnn_gym.training.training_folder import TrainingFolder
from hnn_gym.worlds.devices import on_numpy
from hnn_gym.worlds.differentiable import rollout

NO_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
PRETENDED = torch.device("meta")
aten = torch.ops.aten
ON_THE_WAY = {aten._to_copy.default, aten.copy_.default, aten.detach.default, aten.lift_fresh.default}
"""What is done with arrays on the CPU that come from a device or go to one."""


class Away(torch.Tensor):
    """A tensor on the pretended GPU."""

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> Away:
        return torch.Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=PRETENDED,
            requires_grad=held.requires_grad,
        )

    def __init__(self, held: torch.Tensor) -> None:
        self.held = held

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(function, args, kwargs or {})


class Sending(TorchFunctionMode):
    """Makes tensors from numbers on the CPU first, since torch drops the numbers of those it makes on "meta"."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if function not in (torch.tensor, torch.asarray, torch.as_tensor) or kwargs.get("device") is None:
            return function(*args, **kwargs)
        place, learned = kwargs.pop("device"), kwargs.pop("requires_grad", False)
        made = function(*args, **kwargs).to(place)
        return made.requires_grad_() if learned else made


class PretendedGPU(TorchDispatchMode):
    """Where it is entered, operations that make tensors make them there with device="meta".

    Attributes:
        strays: operations that computed with arrays on the CPU meanwhile.
    """

    def __init__(self) -> None:
        super().__init__()
        self.strays: set[Any] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        arrays = [tensor for tensor in tensors if tensor.dim() and tensor.is_floating_point()]
        if arrays and not any(isinstance(tensor, Away) for tensor in tensors) and function not in ON_THE_WAY:
            self.strays.add(function)
        return _computed(function, args, kwargs or {})


def _computed(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    away = [tensor for tensor in tensors if isinstance(tensor, Away)]
    moves = function in (aten._to_copy.default, aten.copy_.default)
    if away and not moves and any(t.dim() for t in tensors if not isinstance(t, Away)):
        raise RuntimeError(f"{function}: expected all tensors to be on the same device")
    answers_away = isinstance(args[0], Away) if function is aten.copy_.default else bool(away)
    if kwargs.get("device") is not None:
        answers_away = torch.device(kwargs["device"]) == PRETENDED
        kwargs = kwargs | {"device": torch.device("cpu")}
    if function is aten._efficientzerotensor.default:  # forward mode's own, which has no numbers to hold
        function = aten.zeros.default
    known = {id(tensor.held): tensor for tensor in away}  # an operation in place answers with its own argument

    def sent(answer: Any) -> Any:
        if not isinstance(answer, torch.Tensor):
            return answer
        return known[id(answer)] if id(answer) in known else Away(answer)

    on_cpu = tree_map(lambda t: t.held if isinstance(t, Away) else t, (args, kwargs))
    answer = function(*on_cpu[0], **on_cpu[1])
    if not answers_away:
        return answer
    answer = tree_map(sent, answer)
    if torch.Tag.inplace_view in function.tags:  # such as squeeze_: the outer shape changes with it
        return return_and_correct_aliasing(function, args, kwargs, answer)
    return answer


@contextmanager
def pretended_gpu(*, alone: bool = True) -> Iterator[str]:
    """The name of a device; where it is ``alone``, nothing else may compute meanwhile."""
    with pytest.MonkeyPatch.context() as patch, PretendedGPU() as gpu, Sending():
        patch.setattr("hnn_gym.worlds.devices.DEVICES", ("cpu", "cuda", "meta"))
        yield "meta"
    assert not (alone and gpu.strays), f"computed on the CPU: {gpu.strays}"


@pytest.fixture
def gpu() -> Iterator[str]:
    """The pretended GPU beside the CPU."""
    with pretended_gpu(alone=False) as name:
        yield name


def test_the_pretended_gpu_refuses_what_a_gpu_refuses(gpu: str) -> None:
    there, here = torch.ones(3, device=gpu), torch.ones(3)
    assert float((there * 2.0).sum()) == 6.0
    for mixed in (lambda: there + here, lambda: torch.cat([there, here]), lambda: there @ here):
        with pytest.raises(RuntimeError, match="same device"):
            mixed()
    with pytest.raises(RuntimeError, match="numpy"):
        there.numpy()
    with pytest.raises(RuntimeError, match="numpy"):
        np.asarray(there)
    np.testing.assert_array_equal(on_numpy(there + here.to(gpu)), [2, 2, 2])


@pytest.fixture(scope="module")
def pendulum() -> TransitionDataset:
    return record_steps(gymnasium.make("Pendulum-v1"), steps=24, seed=0)


@pytest.fixture(scope="module")
def bodies() -> TransitionDataset:
    return record_steps(gymnasium.make("TwoBody-v0"), steps=24, seed=0)


@pytest.fixture(scope="module")
def free(pendulum: TransitionDataset) -> TransitionDataset:
    """Of a world without controls."""
    known = pendulum.provenance
    assert known.coordinates is not None
    results = replace(known, action_space=Box(-1, 1, (0,)), coordinates={**known.coordinates, "controls": ()})
    return TransitionDataset.from_episodes(
        [replace(e, action=np.zeros((len(e.action), 0), np.float32)) for e in pendulum], results
    )


STEPS = {"adam_steps": 2, "lbfgs_steps": 2, "least_squares_steps": 1, "horizon": 2}
IMPLICIT = {"adam_steps": 2, "lbfgs_steps": 1, "least_squares_steps": 0, "horizon": 1, "learning_rate": 1e-4}
SMALL = {"hidden": (4,)}
FITS = [
    ("mechanical", SMALL | {"damping": True}, {"loss": "prediction"}),
    ("mechanical", SMALL, {"loss": "shooting", "horizon": 4, "first_horizon": 2}),
    ("mechanical", SMALL, {"loss": "derivative"}),
    ("mechanical", SMALL, {"batch_size": 8}),
    ("mechanical", SMALL | {"mass_matrix": "full"}, {"loss": "derivative"}),
    ("mechanical", SMALL | {"mass_matrix": "full"}, IMPLICIT),
    ("hnn", {"hidden": (4, 4)}, {"loss": "derivative"}),
    ("hnn", {"hidden": (4, 4)}, IMPLICIT),
    ("separable", SMALL | {"damping": True}, {}),
    ("baseline", SMALL, {}),
    ("baseline", SMALL | {"known_port": True}, {}),
    ("second-order", SMALL, {}),
    ("pairwise", SMALL, {}),
    ("helmholtz", SMALL, {"loss": "derivative"}),
    ("helmholtz", SMALL, IMPLICIT),
]


def named(model: str, options: dict[str, Any], settings: dict[str, Any]) -> str:
    return " ".join([model, *options, settings.get("loss", "prediction"), *settings])


def same_arrays(one: Any, other: Any) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert type(other[name]) is np.ndarray
        np.testing.assert_array_equal(other[name], value, err_msg=name)


@pytest.mark.parametrize(("model", "options", "settings"), FITS, ids=[named(*case) for case in FITS])
def test_a_fit_is_the_same_on_a_device(
    model: str,
    options: Any,
    settings: Any,
    pendulum: TransitionDataset,
    bodies: TransitionDataset,
    free: TransitionDataset,
) -> None:
    data = {"pairwise": bodies, "helmholtz": free}.get(model, pendulum)
    fitted: Callable[..., WorldModel] = lambda **more: train_world(  # noqa: E731
        data, model, options=options, settings=FitSettings(**(STEPS | settings)), **more
    )
    here = fitted()
    with pretended_gpu() as gpu:
        there = fitted(device=gpu)
    same_arrays(here.parameters, there.parameters)
    assert here.card["figures"] == there.card["figures"]


@pytest.mark.parametrize("loss", ["prediction", "shooting"])
def test_an_ensemble_is_the_same_on_a_device(loss: Any, pendulum: TransitionDataset) -> None:
    settings = FitSettings(**STEPS, loss=loss)
    fitted: Callable[..., tuple[WorldModel, ...]] = lambda **more: train_ensemble(  # noqa: E731
        pendulum, "mechanical", members=2, options=SMALL, settings=settings, **more
    )
    here = fitted()
    with pretended_gpu() as gpu:
        there = fitted(device=gpu)
    for one, other in zip(here, there, strict=True):
        same_arrays(one.parameters, other.parameters)


def test_the_error_on_data_held_out_is_the_same_on_a_device(pendulum: TransitionDataset) -> None:
    world = train_world(pendulum, "mechanical", options=SMALL, settings=FitSettings(adam_steps=2, lbfgs_steps=0))
    here = held_out_error(world, pendulum, horizon=4)
    with pretended_gpu() as gpu:
        assert held_out_error(world, pendulum, horizon=4, device=gpu) == here


@pytest.mark.filterwarnings("ignore:Predicted positions are wrong:UserWarning")  # so few steps of training
def test_a_world_is_learned_from_frames_the_same_on_a_device(pendulum_film: TransitionDataset) -> None:
    settings = PixelSettings(
        horizons=(3, 4), steps=1, adam_steps=2, warp=2, harmonics=4, reward_hidden=(4,), reward_steps=1
    )
    film = pendulum_film.take_steps(80)
    here = train_pixel_world(film, options=SMALL, settings=settings)
    with pretended_gpu() as gpu:
        there = train_pixel_world(film, options=SMALL, settings=settings, device=gpu)
    same_arrays(here.world.parameters, there.world.parameters)
    same_arrays(here.reward.parameters, there.reward.parameters)
    same_arrays(here.codec.arrays(), there.codec.arrays())


TINY = ShacSettings(updates=4, num_envs=4, window=3, hidden=(4,), dream=5, critic_steps=2)


@pytest.mark.parametrize(("env_id", "updates"), [("HNNPendulum-v0", 4), ("TwoBody-v0", 1)])
def test_a_policy_is_the_same_on_a_device(env_id: str, updates: int) -> None:
    simulator, settings = build_simulator(env_id), replace(TINY, updates=updates)
    here = train_shac(simulator, settings)
    with pretended_gpu() as gpu:
        there = train_shac(simulator, settings, device=gpu)
    same_arrays(here.parameters, there.parameters)


def test_an_agent_of_stable_baselines3_is_trained_on_the_given_device(gpu: str) -> None:
    arguments = {"learning_starts": 8, "batch_size": 4, "buffer_size": 20}
    recipe = AgentRecipe(num_envs=4, steps=16, learning_rate=1e-3, hidden=(4,), arguments=arguments)
    agent = train_agent("HNNPendulum-v0", "sac", recipe=recipe, device=gpu)
    assert {parameter.device for parameter in agent.policy.parameters()} == {PRETENDED}


def test_gradients_through_a_rollout_are_the_same_on_a_device(gpu: str) -> None:
    world, slopes = resolve_world("HNNTwoBody-v0"), []
    for device in ("cpu", gpu):
        x0 = torch.linspace(-1, 1, 16, dtype=torch.float64).reshape(2, 8).to(device).requires_grad_()
        rollout(world.like(x0), x0, steps=3).square().sum().backward()
        assert x0.grad is not None
        slopes.append(on_numpy(x0.grad))
    np.testing.assert_array_equal(*slopes)


STEPPED = ["HNNPendulum-v0", "HNNRealPendulum-v0", "ThreeBody-v0", "HNNTwoBodyBump-v0", "HNNPixelPendulum-v0"]


@pytest.mark.parametrize("env_id", STEPPED)
def test_environments_step_the_same_on_a_device(env_id: str, gpu: str) -> None:
    results: list[list[torch.Tensor]] = []
    for device in ("cpu", gpu):
        envs = gymnasium.make_vec(
            env_id, num_envs=2, vectorization_mode="vector_entry_point", device=device, max_episode_steps=2
        )
        envs.action_space.seed(0)
        results.append([envs.reset(seed=0)[0]])
        for _ in range(3):
            *arrays, info = envs.step(envs.action_space.sample())
            results[-1] += [*arrays, *(info[name] for name in sorted(info) if isinstance(info[name], torch.Tensor))]
    for here, there in zip(*results, strict=True):
        assert there.device == PRETENDED
        np.testing.assert_array_equal(here, on_numpy(there))


def test_the_benchmark_of_training_runs_on_a_device() -> None:
    with pretended_gpu() as gpu:
        place = torch.device(gpu)
        training.step_of_training(training.in_closed_form, rows=4, hidden=3, device=place)()
        training.step_of_training(training.by_autograd, rows=4, hidden=3, device=place)()
        training.gradient_of_rollout(rollout, 2, device=place)()
        training.gradient_of_fit(3, steps=2, device=place)()


# From one device to another.


class StoppedError(Exception):
    """Stands for a kill."""


def stopping_at(count: int) -> Callable[..., None]:
    results: list[Any] = []

    def report(*_: Any) -> None:
        results.append(0)
        if len(results) == count:
            raise StoppedError

    return report


@pytest.mark.parametrize("first", ["cpu", "meta"])
def test_a_fit_begun_on_one_device_resumes_on_another(
    first: str, pendulum: TransitionDataset, tmp_path: Path, gpu: str
) -> None:
    settings = FitSettings(adam_steps=6, lbfgs_steps=0)
    fitted: Callable[..., WorldModel] = lambda **more: train_world(  # noqa: E731
        pendulum, "mechanical", options=SMALL, settings=settings, **more
    )
    stop = stopping_at(3)

    def keep(progress: Any, state: FitState) -> None:
        TrainingFolder(tmp_path).keep(state, {})
        stop()

    with pytest.raises(StoppedError):
        fitted(report=keep, device=first)
    state = TrainingFolder(tmp_path).resume({})
    assert state is not None
    assert state.adam_step == 3
    for arrays in (state.parameters, state.first_moments, state.second_moments):
        assert {(type(array), array.dtype.name) for array in arrays.values()} == {(np.ndarray, "float64")}
    resumed = fitted(state=state, device="meta" if first == "cpu" else "cpu")
    same_arrays(fitted().parameters, resumed.parameters)


@pytest.mark.parametrize("first", ["cpu", "meta"])
def test_a_training_begun_on_one_device_resumes_on_another(first: str, tmp_path: Path, gpu: str) -> None:
    simulator = build_simulator("HNNPendulum-v0")
    with pytest.raises(StoppedError):
        train_shac(simulator, TINY, folder=tmp_path, save_every=0.0, report=stopping_at(3), device=first)
    resumed = train_shac(simulator, TINY, folder=tmp_path, device="meta" if first == "cpu" else "cpu")
    same_arrays(train_shac(simulator, TINY).parameters, resumed.parameters)


# What is not there.

NOWHERE = [
    pytest.param("cuda", "needs CUDA, and torch finds none here", marks=NO_GPU),
    ("abacus", 'device must be "cpu" or "cuda", got \'abacus\''),
    ("meta", 'device must be "cpu" or "cuda", got \'meta\''),
    ("mps", "which has no float64"),
]


@pytest.mark.parametrize(("device", "words"), NOWHERE)
def test_a_missing_device_is_refused_before_any_work(
    device: str, words: str, pendulum: TransitionDataset, pendulum_film: TransitionDataset
) -> None:
    never = stopping_at(1)
    trainings: list[Callable[[], Any]] = [
        lambda: train_world(pendulum, device=device, report=never),
        lambda: train_ensemble(pendulum, device=device, report=never),
        lambda: train_pixel_world(pendulum_film, device=device, report=never),
        lambda: held_out_error(true_world("Pendulum-v1"), pendulum, device=device),
        lambda: train_shac(build_simulator("HNNPendulum-v0"), device=device, report=never),
        lambda: train_agent("HNNPendulum-v0", device=device, report=never),
        lambda: gymnasium.make_vec("HNNPendulum-v0", num_envs=2, device=device),
    ]
    for train in trainings:
        with pytest.raises(InputError, match=words):
            train()


@pytest.mark.parametrize(("device", "words"), NOWHERE)
def test_the_commands_refuse_a_missing_device_before_they_write_or_remove_a_file(
    device: str, words: str, tmp_path: Path
) -> None:
    left = tmp_path / "unfinished"
    left.mkdir()
    (left / "fit.safetensors").write_bytes(b"of an interrupted training")
    (tmp_path / UNFINISHED).write_bytes(b"of another")
    with pytest.raises(InputError, match=words):
        hnn_gym.train.train(
            hnn_gym.train.TrainSettings(tmp_path / "nowhere.zarr", out=tmp_path, overwrite=True, device=device)
        )
    with pytest.raises(InputError, match=words):
        hnn_gym.agents.train.train(
            hnn_gym.agents.train.TrainAgentSettings(world="HNNPendulum-v0", out=tmp_path, overwrite=True, device=device)
        )
    assert sorted(path.name for path in tmp_path.rglob("*")) == sorted([UNFINISHED, "fit.safetensors", "unfinished"])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_learns_the_same_world_as_the_cpu(pendulum: TransitionDataset) -> None:
    settings = FitSettings(adam_steps=20, lbfgs_steps=0)
    here, there = (train_world(pendulum, options=SMALL, settings=settings, device=device) for device in ("cpu", "cuda"))
    for name, value in here.parameters.items():
        # Other kernels round otherwise: 1e-16 in twenty steps that do not yet amplify it much.
        np.testing.assert_allclose(there.parameters[name], value, rtol=1e-8, atol=1e-10)
