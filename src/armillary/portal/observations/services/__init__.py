"""Writes about observations, one verb in each module."""
