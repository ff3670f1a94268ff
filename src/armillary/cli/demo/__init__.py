"""A night at a simulated observatory: the whole system, with a fast clock and telescopes that are not there."""
