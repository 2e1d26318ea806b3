"""What a run leaves behind: one record of plain values a test, and what is rendered from them."""
