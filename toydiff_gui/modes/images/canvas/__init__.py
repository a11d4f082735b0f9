"""Mode Images on the screen: the samples, what is looked at, and the film strips from A to B."""
