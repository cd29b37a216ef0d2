"""Detectors: trained by libreyolo or Ultralytics, or taken in ready as ONNX."""
