"""Faults on purpose: kills, full disks, signals, damaged files, wrong calls, several writers: ``__main__`` runs them."""
