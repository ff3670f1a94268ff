"""Who is told what, how, and how often."""
