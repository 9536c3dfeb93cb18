"""Regions estimated from the pictures, where a dataset has no annotations."""
