"""Who lives in the worlds: agents and planners."""
