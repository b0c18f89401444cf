"""``python -m experiments.classic``: learned twins of Gymnasium's own environments, and agents from their dreams."""

from experiments.classic.command import Settings, main
from hnn_gym.command import run

if __name__ == "__main__":
    run(main, Settings, prog="python -m experiments.classic")
