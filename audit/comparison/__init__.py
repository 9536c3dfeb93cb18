"""Two checkpoints on the same images: joined, counted, tested and shown. Never imports torch."""
