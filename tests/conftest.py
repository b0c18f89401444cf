"""What holds for every test: no window opens, and numerical libraries use one thread a process."""

import os

# Before NumPy or torch is imported, and for the command lines that tests start: pytest -n already gives
# every core a process, and with more threads than cores small models become many times slower.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("MPLBACKEND", "Agg")
