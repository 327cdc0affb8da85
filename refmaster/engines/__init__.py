"""Other engines, run behind our own checks and judged by our own measures."""
