"""Arrays in, arrays out: the arithmetic of sound. Nothing here knows what a reference or a move is."""
