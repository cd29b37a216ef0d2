"""Videos: read, followed, drawn into and written, piece by piece."""
