"""Calls for proposals, the applications that answer them, their review, and what becomes of them."""
