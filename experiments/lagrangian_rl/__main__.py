"""``python -m experiments.lagrangian_rl``."""

from experiments.lagrangian_rl.command import Settings, main
from hnn_gym.command import run

if __name__ == "__main__":
    run(main, Settings, prog="python -m experiments.lagrangian_rl")
