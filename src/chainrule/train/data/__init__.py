"""Data: from whatever a user has to inputs and targets that a network can be trained on."""
