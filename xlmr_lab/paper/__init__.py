"""The numbers of the paper as data: every table and figure, v1 and v2, with the errata."""
