"""What telescopes are told to do, and what they say about it."""
