"""The science archive: frames, who may see them, and their bytes."""
