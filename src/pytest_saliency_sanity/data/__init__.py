"""Images to look at, and the classes to explain. The names are known without importing torch."""
