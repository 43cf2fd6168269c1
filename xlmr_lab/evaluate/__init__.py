"""Fine-tuning an encoder on a task and scoring it in every language, in the paper's protocols."""
