"""A mode that only the tests know: one coordinate of the points, as a moving histogram."""
