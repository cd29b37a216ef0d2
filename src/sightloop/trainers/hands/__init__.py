"""Hands in pictures: where one is, its 21 points, and what they say of a project's classes."""
