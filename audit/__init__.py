"""Audits an image classifier: what it gets wrong, where it looked, and what that proves."""
