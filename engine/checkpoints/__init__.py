"""What was trained, or made elsewhere, as files that run no code when they are opened."""
