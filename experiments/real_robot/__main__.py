"""``python -m experiments.real_robot``: see :mod:`experiments.real_robot`."""

from experiments.real_robot.command import Settings, main
from hnn_gym.command import run

if __name__ == "__main__":
    run(main, Settings, prog="python -m experiments.real_robot")
