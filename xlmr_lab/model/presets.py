"""Encoder shapes by name: the paper's two, and two small ones that keep the architecture.

What the paper leaves open (dropout, lengths) has the values of the released models, which are the
defaults of `EncoderConfig`.
"""

from xlmr_lab.model.encoder import EncoderConfig


def tiny() -> EncoderConfig:
    """Return a shape that trains in minutes on a laptop's CPU; two heads, so half the paper's width
    of a head.
    """
    return EncoderConfig(num_layers=2, hidden_size=64, num_heads=2, ffn_size=256, max_tokens=128)


def small() -> EncoderConfig:
    """Return a shape for studies on a CPU: a third of Base in depth and width, heads as wide as
    its."""
    return EncoderConfig(num_layers=4, hidden_size=256, num_heads=4, ffn_size=1024, max_tokens=256)


def base() -> EncoderConfig:
    """Return XLM-R-Base (XLM-R Table 7)."""
    return EncoderConfig(num_layers=12, hidden_size=768, num_heads=12, ffn_size=3072)


def large() -> EncoderConfig:
    """Return XLM-R (XLM-R Table 7)."""
    return EncoderConfig(num_layers=24, hidden_size=1024, num_heads=16, ffn_size=4096)
