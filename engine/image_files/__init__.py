"""Sets of images on the disk and on the web: where they are, how they are read."""
