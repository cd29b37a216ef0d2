"""Judging a model: how it answers, what it costs, and whether it may serve."""
