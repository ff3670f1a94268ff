"""What becomes of an observation: its states, how complete it is, and what that means for its request.

Pure: states and facts in, states out. The portal persists; the telescope agent and the scheduler read the same types.
"""
