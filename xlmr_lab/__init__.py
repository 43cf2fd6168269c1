"""xlmr_lab: a research workbench for XLM-R, from raw pages to the paper's tables."""

__version__ = "0.1.0"
