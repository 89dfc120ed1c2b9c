"""What is told of a compiled function: its passes, its program, how far it is from the limit."""
