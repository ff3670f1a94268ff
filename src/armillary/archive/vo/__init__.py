"""The Virtual Observatory's view of the archive: its parameters, its data model, its table format."""
