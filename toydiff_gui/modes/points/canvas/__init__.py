"""The lanes on the screen: they pan, zoom, and let endpoints be dragged."""
