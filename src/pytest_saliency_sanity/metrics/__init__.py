"""Numbers made from maps: how alike they are, and how sure one may be of a mean."""
