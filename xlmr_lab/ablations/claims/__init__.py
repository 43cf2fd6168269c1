"""The paper's claims as grids, a file for each part of the paper."""
