"""Schedules, denoisers, samplers, noise: the mathematics of diffusion."""
