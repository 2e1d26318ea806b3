"""What all other folders build on: errors, specs, imports, devices, randomness, inference. It imports none of them."""
