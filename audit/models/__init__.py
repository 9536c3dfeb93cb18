"""Models: reading checkpoints, building architectures, matching outputs to classes."""
