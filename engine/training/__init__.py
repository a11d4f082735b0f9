"""Training: the loop, its runs on the disk, its data, its previews and costs."""
