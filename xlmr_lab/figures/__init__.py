"""Plotly figures and HTML tables: polars frames in, pictures out, one theme."""
