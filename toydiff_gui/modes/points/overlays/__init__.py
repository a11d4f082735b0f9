"""What can be laid over the lanes of points: a file for each that the engine computes, a table."""
