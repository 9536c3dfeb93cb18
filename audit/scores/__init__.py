"""Scores of a map against a region: pure tensor functions."""
