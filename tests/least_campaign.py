"""Settings of the least campaign: what they make is learned in seconds, and teaches nothing."""

LEAST = (
    "jobs=2",
    "babel.encyclopaedia_bytes=8000",
    "vocabulary.size=500",
    "model.hidden_size=16",
    "model.ffn_size=32",
    "batches.batch_sequences=4",
    "pretrain.steps=6",
    "pretrain.warmup_steps=2",
    "pretrain.heldout_steps=3",
)
