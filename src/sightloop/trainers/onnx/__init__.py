"""Models that are ready, as ONNX files: read as they are, and classifiers put behind raw pixels."""
