"""What is told in text: the header, the summary, the list of what is registered, and a CI server's step summary."""
