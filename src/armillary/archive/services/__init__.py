"""What changes the archive. Each verb owns its transaction."""
