"""Files that hold a whole result or none: checkpoints, locks on what is written, and deferred interruptions."""
