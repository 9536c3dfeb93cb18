"""The local browser over every row of a run."""
