"""How trained networks are kept: whole or not at all, verified by hashes, never unpickled."""
