"""``python -m experiments.paper [tasks ...]``: data, models, scores, one table; resumable."""

from experiments.paper.command import Settings, main
from hnn_gym.command import run

if __name__ == "__main__":
    run(main, Settings, prog="python -m experiments.paper")
