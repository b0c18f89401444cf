"""``python -m experiments.gallery [tasks...] --out docs/gallery``: train, follow one start, draw."""

from experiments.gallery.command import Settings, main
from hnn_gym.command import run

if __name__ == "__main__":
    run(main, Settings, prog="python -m experiments.gallery")
