"""Writes about requests, one verb in each module."""
