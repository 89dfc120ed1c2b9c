"""Curves that explain: activations, the cross-entropy, a nudge through a chain, a descent."""
