"""Sanity checks of a run's maps: do they depend on the model, do their cells matter to it?"""
