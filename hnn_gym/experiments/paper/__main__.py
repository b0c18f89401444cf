"""``python -m hnn_gym.experiments.paper [tasks ...]``: data, models, scores, one table; resumable."""

from hnn_gym.command import run
from hnn_gym.experiments.paper.command import Settings, main

if __name__ == "__main__":
    run(main, Settings, prog="python -m hnn_gym.experiments.paper")
