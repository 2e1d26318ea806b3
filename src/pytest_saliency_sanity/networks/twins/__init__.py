"""Networks that a user's own network is compared with: a twin that memorised random labels, and a biased pair."""
