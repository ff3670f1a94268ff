"""Django plumbing that every component stands on; it knows nothing about observatories."""
