"""What reads the archive. Everything that leaves it passes through :func:`~.visibility.visible_frames`."""
