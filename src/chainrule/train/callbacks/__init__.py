"""Callbacks: what is told of a training while it runs, and may end it."""
