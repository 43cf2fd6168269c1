"""Interactive explorers: ipywidgets controls over the figures; their logic runs without a
browser.
"""
