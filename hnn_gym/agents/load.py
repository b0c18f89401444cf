"""Load any saved agent, according to the kind that its card names."""

from __future__ import annotations

import os
from collections.abc import Callable

from hnn_gym.agents import sb3, sb3_store, shac_policy
from hnn_gym.agents.agent_checkpoint import read_agent
from hnn_gym.agents.evaluate import Policy
from hnn_gym.errors import InputError

_LOADERS: dict[str, Callable[[str | os.PathLike[str]], Policy]] = {
    sb3_store.KIND: sb3.load_sb3_agent,
    shac_policy.KIND: shac_policy.ShacPolicy.load,
}


def load_agent(path: str | os.PathLike[str]) -> Policy:
    """Read an agent's folder; nothing in it is executed.

    Raises:
        MissingPathError: there is nothing at ``path``.
        InputError: the folder is not an agent of this package, is damaged, or has another version.
    """
    kind = read_agent(path)[0].get("kind")
    if kind not in _LOADERS:
        raise InputError(f"{path} is an agent of kind {kind!r}, and this release knows {', '.join(_LOADERS)}.")
    return _LOADERS[kind](path)
