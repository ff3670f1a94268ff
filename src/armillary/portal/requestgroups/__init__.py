"""What astronomers ask for."""
