"""Datasets, the geometry of a view, and the loader."""
