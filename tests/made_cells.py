"""Three cells of a campaign, made by hand."""

import polars as pl

from xlmr_lab.cell_frames import OUTCOMES, Cells


def small() -> Cells:
    """Return three cells by hand: heads go with the width, one language is added."""
    settings = pl.DataFrame(
        {
            "cell": ["base", "wide", "many"],
            "names": [["base", "languages=2"], ["wide"], ["many"]],
            "claims": [["F1", "F2"], ["F2"], ["F1"]],
            "languages": [2, 2, 3],
            "model.hidden_size": [64, 128, 64],
            "model.num_heads": [2, 4, 2],
        }
    )
    rows = [
        (cell, seed, key, "Latn", "one", tier, outcome, value + 0.1 * seed)
        for cell, losses in {"base": (1.0, 2.0), "wide": (0.8, 1.9), "many": (1.2, 2.4)}.items()
        for seed in (0, 1)
        for key, tier, outcome, value in (
            ("a", "high", "pieces", losses[0]),
            ("b", "low", "pieces", losses[1]),
            *([("c", "added", "pieces", 9.0)] if cell == "many" else []),
            *([("b", "low", "nli accuracy zero-shot", 0.5)] if cell != "many" else []),
        )
    ]
    compute = pl.DataFrame(
        [
            (cell, seed, 10.0, 1.0, 100.0, 1000.0, None if cell == "wide" else 5.0)
            for cell in ("base", "wide", "many")
            for seed in (0, 1)
        ],
        schema=["cell", "seed", "tokens", "steps", "parameters", "operations", "seconds"],
        orient="row",
    )
    return Cells(
        settings=settings,
        compute=compute,
        outcomes=pl.DataFrame(rows, schema=OUTCOMES, orient="row"),
    )
