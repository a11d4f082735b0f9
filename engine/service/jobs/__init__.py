"""What the service does when it is asked: a generator for each kind of request."""
