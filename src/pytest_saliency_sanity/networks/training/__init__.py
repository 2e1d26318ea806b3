"""How the networks are trained, and what is claimed about them."""
