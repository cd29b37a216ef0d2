"""sightloop: the closed loop for vision models, from labelled images to a served model and round again."""

__version__ = "0.1.0"
