"""Every change of a state, with its time, cause and actor."""
