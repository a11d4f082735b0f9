"""Pictures, films and trajectories as files. The work takes arrays and a path; one module asks."""
