"""Live streams: the newest frame of a camera is answered, older ones are let go."""
