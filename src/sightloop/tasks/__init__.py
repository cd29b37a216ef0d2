"""What a vision problem is: prepare an input, read the model's outputs, score answers against the truth."""
