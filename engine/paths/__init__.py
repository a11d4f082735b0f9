"""Paths of latents from one state to another, and the searches for geodesics."""
