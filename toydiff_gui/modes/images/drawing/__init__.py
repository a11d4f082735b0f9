"""Painting of mode Images: tiles, film strips, and the card that looks at one thing.

As with lanes, everything is a function of what it is given. Images are scaled by NumPy and drawn
pixel for pixel: a card is one picture, whatever it shows.
"""
