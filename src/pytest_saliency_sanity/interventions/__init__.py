"""What is done to a model: what it learned is destroyed, or left alone while something else changes."""
