"""Reference fits: one recipe for each kind of model."""
