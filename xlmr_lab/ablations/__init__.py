"""Studies: the chain from text to scores as stages found by fingerprint, arms as resumable jobs,
claims as findings.
"""
