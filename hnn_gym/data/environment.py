"""Makes the environment of a recording by its id, and says in one sentence why that fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium

from hnn_gym.errors import InputError


def make_environment(env_id: str, arguments: Mapping[str, Any], *, draws: bool = False) -> gymnasium.Env[Any, Any]:
    """Return ``gymnasium.make(env_id, **arguments)``.

    Args:
        env_id: such as "Pendulum-v1", or "module:Id-v0" to import the module that registers it.
        arguments: keyword arguments for the environment.
        draws: whether it has to draw frames, with ``render_mode="rgb_array"``.

    Raises:
        InputError: there is no such environment, it needs a package that is not installed, it refuses the arguments,
            or it cannot draw frames.
    """
    # Not every environment has the argument render_mode.
    drawing: dict[str, Any] = {"render_mode": "rgb_array"} if draws else {}
    try:
        env: gymnasium.Env[Any, Any] = gymnasium.make(env_id, **{**arguments, **drawing})
    except gymnasium.error.DependencyNotInstalled as error:
        raise InputError(_missing_package(env_id, error)) from error
    except gymnasium.error.UnregisteredEnv as error:
        remedy = " If a package registers it, install the package and name its module too, as in module:Id-v0."
        raise InputError(
            f"The environment {env_id!r} cannot be made: {error}{'' if 'Did you mean' in str(error) else remedy}"
        ) from error
    except (gymnasium.error.Error, ImportError, TypeError, ValueError) as error:
        if draws and "render_mode" in str(error):
            raise InputError(
                f"The environment {env_id!r} cannot draw frames ({error}): record it without them."
            ) from error
        raise InputError(f"The environment {env_id!r} cannot be made: {error}") from error
    modes = env.metadata.get("render_modes") or []
    if draws and "rgb_array" not in modes:  # Gymnasium only warns
        env.close()
        raise InputError(
            f"The environment {env_id!r} cannot draw frames (its render modes are {list(modes)}): record it "
            "without them."
        )
    return env


def _missing_package(env_id: str, error: gymnasium.error.DependencyNotInstalled) -> str:
    cause = error.__cause__
    if isinstance(cause, ModuleNotFoundError) and cause.name == "mujoco":
        return f'The environment {env_id!r} needs MuJoCo, which is not installed: pip install "hnn-gym[mujoco]".'
    return f"The environment {env_id!r} needs a package that is not installed: {error}."
