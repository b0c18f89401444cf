"""The systems that ship with the package: each is one file beside this one, and one name here."""

from __future__ import annotations

from importlib import import_module

import gymnasium

from hnn_gym.systems.registry import register_system

FILES = (
    "pendulum",
    "spring",
    "ideal_pendulum",
    "real_pendulum",
    "real_double_pendulum",
    "two_body",
    "three_body",
    "n_body",
    "cart_pole",
    "acrobot",
    "mountain_car",
    "mountain_car_continuous",
    "inverted_pendulum",
    "inverted_double_pendulum",
    "reacher",
    "swimmer",
)
"""Modules of :mod:`hnn_gym.systems`, each with a ``SYSTEM``."""


def register_shipped_systems() -> None:
    """Register them all, and ``HNN-v0``, the environment of any checkpoint. ``import hnn_gym`` calls this."""
    for name in FILES:
        register_system(import_module(f"hnn_gym.systems.{name}").SYSTEM)
    gymnasium.register(
        "HNN-v0",
        entry_point="hnn_gym.envs.registration:make_simulator",
        vector_entry_point="hnn_gym.envs.vector:SimulatorVectorEnv",
        kwargs={"world_model": None},  # so that a missing world_model gets our message, not Python's
    )
