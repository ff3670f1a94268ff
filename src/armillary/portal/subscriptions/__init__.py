"""The change feed, brought to programs that do not want to ask for it."""
