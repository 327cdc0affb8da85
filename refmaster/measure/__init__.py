"""Meters: one standard, or one question, a file. Each takes a stream of blocks and answers with numbers."""
