"""Learning any mechanism: recordings of many environments, and figures of what is learned from them."""
