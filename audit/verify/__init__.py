"""Suspicion tested: the image is changed in one place and classified again."""
