"""What is asked of a model about each image: classifiers, answers to questions, captions."""
