"""The lanes on the screen: views of a scene that pan, zoom, and let endpoints be dragged."""
