"""The answer path: from a request's bytes to a prediction, and the record of it."""
