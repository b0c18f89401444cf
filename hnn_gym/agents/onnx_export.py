"""The deterministic policy of an agent as an ONNX file: observation ``(batch, d)`` -> action.

A policy that is a pure function of arrays is traced. Of an agent of stable-baselines3 the layers of its actor are
written one by one.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete

from hnn_gym.agents.shac_policy import ShacPolicy, act
from hnn_gym.errors import InputError
from hnn_gym.files.single_file import write_file
from hnn_gym.trace import trace
from hnn_gym.trace.onnx_graph import model, onnx_package

_OPSET, _IR = 18, 9
_ACTIVATIONS = {torch.nn.ReLU: "Relu", torch.nn.Tanh: "Tanh", torch.nn.Sigmoid: "Sigmoid", torch.nn.ELU: "Elu"}


def export_onnx(agent: Any, path: str | os.PathLike[str]) -> None:
    """Write the policy of an agent as ONNX, so that it acts without this package and without torch.

    The input is ``observation`` ``(batch, d)``. The output is ``action``: ``(batch, k)`` within the bounds of the
    action space, or whole numbers ``(batch,)``. Both are float32 for stable-baselines3 and float64 for a
    :class:`ShacPolicy`.

    Args:
        agent: of :func:`hnn_gym.agents.train_agent` or :func:`hnn_gym.agents.train_shac`, or loaded.
        path: the file; an existing one is replaced.

    Raises:
        StorageError: the operating system refuses to write the file.
        InputError: the package ``onnx`` is not installed (extra ``onnx``), it is another kind of agent, or it has
            layers, observations or actions that cannot be written.
    """
    if isinstance(agent, ShacPolicy):
        made = model(trace(lambda observation: {"action": _clipped(agent, observation)}, observation=_size(agent)))
    elif hasattr(agent, "policy") and hasattr(agent, "observation_space"):
        made = _of_stable_baselines3(agent)
    else:
        raise InputError(
            f"A {type(agent).__name__} cannot be written as ONNX: a planner needs its world. Export the world, or "
            "train an agent with python -m hnn_gym.agents.train."
        )
    write_file(path, made.SerializeToString())


def _size(agent: Any) -> int:
    return int(np.prod(agent.observation_space.shape))


def _clipped(agent: ShacPolicy, observation: Any) -> Any:
    space = agent.action_space
    action = act(agent.parameters, observation, space)
    bounds = zip(space.low.tolist(), space.high.tolist(), strict=True)
    return np.stack([np.clip(action[..., i], low, high) for i, (low, high) in enumerate(bounds)], axis=-1)


def _of_stable_baselines3(agent: Any) -> Any:
    onnx, space = onnx_package(), agent.action_space
    if not isinstance(agent.observation_space, Box) or len(agent.observation_space.shape) != 1:
        raise InputError(f"Only vectors of numbers can be observed in ONNX here, not {agent.observation_space}.")
    layers, squashed = _actor(agent.policy)
    nodes: list[Any] = []
    constants: list[Any] = []

    def add(operator: str, *inputs: Any, name: str | None = None, **attributes: Any) -> str:
        names = []
        for value in inputs:
            if isinstance(value, np.ndarray):
                names.append(f"c{len(constants)}")
                constants.append(onnx.numpy_helper.from_array(np.ascontiguousarray(value), names[-1]))
            else:
                names.append(value)
        nodes.append(onnx.helper.make_node(operator, names, [name or f"v{len(nodes)}"], **attributes))
        return str(nodes[-1].output[0])

    found = "observation"
    for layer in layers:
        if isinstance(layer, torch.nn.Linear):
            found = add("Gemm", found, _array(layer.weight), _array(layer.bias), transB=1)
        elif type(layer) in _ACTIVATIONS:
            found = add(_ACTIVATIONS[type(layer)], found)
        elif not isinstance(layer, torch.nn.Flatten | torch.nn.Identity):
            raise InputError(f"A layer of kind {type(layer).__name__} cannot be written as ONNX.")
    kinds = onnx.TensorProto
    if isinstance(space, Discrete):
        best = add("ArgMax", found, axis=1, keepdims=0)
        add("Add", best, np.asarray(space.start, np.int64), name="action")
        output = onnx.helper.make_tensor_value_info("action", kinds.INT64, ["batch"])
    elif isinstance(space, Box) and len(space.shape) == 1:
        low, high = space.low.astype(np.float32), space.high.astype(np.float32)
        if squashed:
            found = add("Add", add("Mul", found, (high - low) / 2), (high + low) / 2)
        add("Min", add("Max", found, low), high, name="action")
        output = onnx.helper.make_tensor_value_info("action", kinds.FLOAT, ["batch", space.shape[0]])
    else:
        raise InputError(f"Actions of {space} cannot be written as ONNX: a vector of numbers or one whole number can.")
    given = onnx.helper.make_tensor_value_info("observation", kinds.FLOAT, ["batch", _size(agent)])
    graph = onnx.helper.make_graph(nodes, "policy", [given], [output], constants)
    opset = [onnx.helper.make_opsetid("", _OPSET)]
    made = onnx.helper.make_model(graph, opset_imports=opset, ir_version=_IR, producer_name="hnn_gym")
    onnx.checker.check_model(made)
    return made


def _actor(policy: Any) -> tuple[list[torch.nn.Module], bool]:
    """The layers from the observation to the action, and whether it comes out in [-1, 1] and is to be scaled."""
    if hasattr(policy, "q_net"):  # DQN
        return list(policy.q_net.q_net), False
    actor = getattr(policy, "actor", None)
    if actor is not None and hasattr(actor, "latent_pi"):  # SAC
        return [*actor.latent_pi, actor.mu, torch.nn.Tanh()], True
    if actor is not None:  # TD3 and DDPG
        return list(actor.mu), True
    if hasattr(policy, "mlp_extractor"):  # PPO and A2C
        return [*policy.mlp_extractor.policy_net, policy.action_net], False
    raise InputError(f"A policy of kind {type(policy).__name__} cannot be written as ONNX.")


def _array(parameter: torch.Tensor) -> np.ndarray:
    return parameter.detach().cpu().numpy().astype(np.float32)
