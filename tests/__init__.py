"""A package, so that no `tests` of another distribution is found in its place."""
