"""How good a world is: metrics (numbers only), plots, reports."""
