"""Speed and endurance, measured outside the package: ``python -m benchmarks.NAME``.

All run on one CPU thread: the variables have to be set before NumPy is loaded, so they are set here.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
