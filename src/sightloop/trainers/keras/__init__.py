"""Small classifiers with Keras, and files that Keras saved elsewhere."""
