"""Masked-LM pretraining with exact resume; torch, NumPy and safetensors only."""
