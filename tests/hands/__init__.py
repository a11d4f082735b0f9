"""What tests and benchmarks share: hands on a window, scenes to draw, things to do at random."""
