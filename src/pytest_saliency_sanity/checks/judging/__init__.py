"""From what was measured to a verdict, and what it says to a reader."""
