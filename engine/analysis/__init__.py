"""What models are worth and what they do: quality, errors by time, attention, a classifier."""
