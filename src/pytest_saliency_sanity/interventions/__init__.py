"""Interventions: they destroy what a model learned, or leave it alone and change something else."""
