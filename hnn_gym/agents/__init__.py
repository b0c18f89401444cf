"""Agents and planners that act in the worlds, filters that estimate states, and how all of them are measured."""

from typing import TYPE_CHECKING

from hnn_gym.lazy import lazy_exports

if TYPE_CHECKING:
    from hnn_gym.agents.dyna_loop import DynaSettings, dyna
    from hnn_gym.agents.dynamic_programming import DynamicProgramming, Grid
    from hnn_gym.agents.energy_shaping import EnergyShaping
    from hnn_gym.agents.estimated_states import EstimatedStates, VectorEstimatedStates
    from hnn_gym.agents.evaluate import Episodes, Policy, episode_returns, paired_regret, play_episodes
    from hnn_gym.agents.ilqr import Ilqr
    from hnn_gym.agents.imagination import Imagination
    from hnn_gym.agents.kalman_filter import Filtered, KalmanFilter
    from hnn_gym.agents.load import load_agent
    from hnn_gym.agents.lqr import LinearQuadratic, linearise
    from hnn_gym.agents.onnx_export import export_onnx
    from hnn_gym.agents.sampling import Cem, Mppi, SamplingPlanner
    from hnn_gym.agents.sb3 import AgentRecipe, save_agent, train_agent
    from hnn_gym.agents.scripted import Idle, RandomActions
    from hnn_gym.agents.shac import ShacSettings, train_shac
    from hnn_gym.agents.shac_policy import ShacPolicy
    from hnn_gym.agents.swing_up import SwingUp
    from hnn_gym.agents.trajectory import TrackedTrajectory, Trajectory, TrajectorySettings, optimised
    from hnn_gym.agents.transfer import Transfer, measure_transfer

__all__ = [
    "AgentRecipe",
    "Cem",
    "DynaSettings",
    "DynamicProgramming",
    "EnergyShaping",
    "Episodes",
    "EstimatedStates",
    "Filtered",
    "Grid",
    "Idle",
    "Ilqr",
    "Imagination",
    "KalmanFilter",
    "LinearQuadratic",
    "Mppi",
    "Policy",
    "RandomActions",
    "SamplingPlanner",
    "ShacPolicy",
    "ShacSettings",
    "SwingUp",
    "TrackedTrajectory",
    "Trajectory",
    "TrajectorySettings",
    "Transfer",
    "VectorEstimatedStates",
    "dyna",
    "episode_returns",
    "export_onnx",
    "linearise",
    "load_agent",
    "measure_transfer",
    "optimised",
    "paired_regret",
    "play_episodes",
    "save_agent",
    "train_agent",
    "train_shac",
]
__getattr__, __dir__ = lazy_exports(__name__)
