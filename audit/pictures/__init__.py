"""Pictures of single images: what a model sees, and where it looks."""
