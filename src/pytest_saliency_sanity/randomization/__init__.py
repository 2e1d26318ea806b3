"""What destroys what a model learned: of its weights (cascade) or of its labels."""
