"""``python -m experiments.friction_rl``."""

from experiments.friction_rl.command import Settings, main
from hnn_gym.command import run

if __name__ == "__main__":
    run(main, Settings, prog="python -m experiments.friction_rl")
