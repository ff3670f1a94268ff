"""Regions of the sky: polygons on the sphere, what people write for them, and an index any database can search."""
