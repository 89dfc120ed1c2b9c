"""Passes from graph to graph, a file each; `pipeline` has them all in the order they run in.

A pass is a function of a graph that gives a graph with the same inputs and values, and how often it
did something. It sees one level: `levels.everywhere` applies it to the bodies of scans, calls and
branches first, then to the graph that holds them.
"""
