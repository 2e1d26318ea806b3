"""What every room stands on: errors, specs, imports, devices, randomness, inference. It imports nothing of ours."""
