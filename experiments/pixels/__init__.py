"""The pixel pendulum: learned from frames, forecast, and controlled from frames."""
