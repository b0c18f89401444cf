"""``python -m hnn_gym.experiments.gallery [tasks...] --out docs/gallery``: train, follow one start, draw."""

from hnn_gym.command import run
from hnn_gym.experiments.gallery.command import Settings, main

if __name__ == "__main__":
    run(main, Settings, prog="python -m hnn_gym.experiments.gallery")
