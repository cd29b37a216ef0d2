"""From a recipe and labelled arrays to a model package: trainers, calibration, parity."""
