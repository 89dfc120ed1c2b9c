"""Pictures: charts, the graph of a network, the report of a run; SVG and HTML of our own."""
