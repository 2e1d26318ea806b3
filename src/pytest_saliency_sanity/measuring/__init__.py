"""What is measured: maps, their ranks and rank correlation, masses, and how sure one may be of a mean."""
