"""From a graph to a program: which nodes are one kernel, in what order, and where all lies."""
