"""The page 'Diagnostics': plots of what a network predicts and of what its schedule does."""
