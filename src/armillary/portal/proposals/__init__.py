"""Semesters, proposals, their members and their time."""
