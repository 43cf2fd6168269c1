"""Records of surgery in words.

Run with: pytest tests/ablations/test_surgery_told.py
"""

from xlmr_lab.ablations import surgery_told

TRIMMED = {
    "from_size": 32_002,
    "size": 8131,
    "share_kept": 0.25396,
    "parameters_before": 25_000_000,
    "parameters": 10_000_000,
    "languages": {"sw": {"num_lines": 90, "pieces_used": 3853}},
    "min_count": 1,
    "heldout": [
        {
            "language": "sw",
            "num_lines": 450,
            "num_changed": 10,
            "share_changed": 0.0222,
            "unknown_rate_before": 0.0,
            "unknown_rate": 0.00012,
        }
    ],
    "logits": {
        "num_ids": 8131,
        "num_rows": 100,
        "is_equal": True,
        "largest_difference": 0.0,
        "num_blocks": 16,
        "block_tokens": 64,
    },
}
EXTENDED = {
    "language": "qdd",
    "from_size": 900,
    "size": 1020,
    "characters_added": 28,
    "dropped_for_guard": 30,
    "characters_dropped_for_guard": ["j", "q"],
    "coverage": 0.99,
    "num_bytes": 4000,
    "characters_beyond_coverage": 7,
    "unknown_characters": {"guard": 0, "coverage": 0, "unseen": 0},
    "made_from": {"settings": {"sample_bytes": 5000}},
    "fertility_before": {"fertility": 2.07, "bytes_per_piece": 4.5, "unknown_rate": 0.398},
    "fertility": {"fertility": 2.29, "bytes_per_piece": 4.07, "unknown_rate": 0.0006},
    "guarded": [{"num_changed": 0, "num_lines": 3000}, {"num_changed": 0, "num_lines": 600}],
    "heldout": [
        {
            "language": key,
            "num_changed": changed,
            "num_lines": lines,
            "share_changed": changed / lines,
            "unknown_rate_before": 0.0,
            "unknown_rate": 0.0,
        }
        for key, changed, lines in (("qaa", 1, 150), ("qab", 2, 50))
    ],
    "losses": [{"language": "qaa", "before": 5.3, "after": 5.3000005}],
}


def test_a_trim_is_told():
    header, rows = surgery_told.trimmed_lines(TRIMMED)
    assert rows == [("sw", "3,853", "10 of 450", "2.2 %", "0.012 %", "0.000 %")]
    assert len(header) == len(rows[0])
    assert list(surgery_told.trimmed(TRIMMED)) == [
        "kept 8,131 of 32,002 ids (25.4 % of the pieces)",
        "10.00M parameters, 15.00M fewer (60 %)",
        "logits of 8,131 kept ids: bit-equal at 100 positions of 16 held-out blocks, summed in one "
        "order; by the matrix library too",
        "held-out lines cut otherwise than before: 10 of 450 (2.2 %)",
    ]


def test_a_trim_that_changes_much_is_warned_of():
    row = TRIMMED["heldout"][0] | {"num_changed": 441, "share_changed": 0.98, "unknown_rate": 0.07}
    record = TRIMMED | {"min_count": 5000, "heldout": [row]}
    assert list(surgery_told.trimmed(record))[3:] == [
        "held-out lines cut otherwise than before: 441 of 450 (98.0 %)",
        "warning: 98 % of the held-out lines of sw are cut otherwise than before; set "
        "surgery.min_count below 5000",
        "warning: 7.00 % of the pieces of sw are unknown on held-out text, 0.00 % before; give "
        "more text",
    ]
    told = list(surgery_told.trimmed(record | {"min_count": 1}))
    assert told[4].endswith("than before; give more text")


def test_how_far_the_matrix_library_is_off_is_told():
    proof = TRIMMED["logits"] | {"largest_difference": 4.77e-7}
    told = list(surgery_told.trimmed(TRIMMED | {"logits": proof}))[2]
    assert told.endswith("by the matrix library within 0.00000048")


def test_an_extension_is_told():
    header, rows = surgery_told.losses(EXTENDED)
    assert rows == [("qaa", "5.300000", "5.300001", "5.0e-07")]
    assert len(header) == len(rows[0])
    assert list(surgery_told.extended(EXTENDED)) == [
        "120 new pieces, 28 of them characters; 30 others are in text of the old languages and "
        "were left out, characters among them: j q",
        "qdd: 39.800 % -> 0.060 % of the pieces unknown, 4.50 -> 4.07 bytes a piece, "
        "2.07 -> 2.29 pieces a word; a run of letters without piece is one <unk>, so few pieces "
        "before are no better cut",
        "lines of old languages cut otherwise: 0 of 3,600 (0.0 %) guarded, 3 of 200 (1.5 %) held "
        "out",
        "loss on the old languages: equal to rounding on held-out blocks, before training",
    ]


def test_an_extension_that_serves_badly_or_changes_much_is_warned_of():
    after = EXTENDED["fertility"] | {"unknown_rate": 0.2}
    row = EXTENDED["heldout"][0] | {"share_changed": 0.5}
    causes = {"guard": 3, "coverage": 0, "unseen": 1}
    record = EXTENDED | {"fertility": after, "heldout": [row], "unknown_characters": causes}
    assert list(surgery_told.extended(record))[4:] == [
        "warning: 20.00 % of the pieces of qdd stay unknown; of their characters 75 % are in text "
        "of the old languages, which new pieces would cut otherwise: no setting adds them; 25 % "
        "are not in the text that pieces were learned from: give more text",
        "warning: 50 % of the held-out lines of qaa are cut otherwise than before; set "
        "surgery.pieces below 120, or have more text of it in the study",
    ]


def unknown(**record) -> str:
    """Return the warning of an extension that leaves much unknown."""
    after = EXTENDED["fertility"] | {"unknown_rate": 0.2}
    return list(surgery_told.extended(EXTENDED | {"fertility": after} | record))[4]


def test_a_coverage_that_is_too_small_is_told_with_pieces_that_are_enough():
    rare = {"unknown_characters": {"guard": 0, "coverage": 5, "unseen": 0}}
    told = "100 % are too rare for the coverage of 0.99: set surgery.coverage=1"
    assert f"{told}, which adds" in unknown(**rare)
    many = {"characters_added": 118, "characters_beyond_coverage": 7}
    assert f"{told} surgery.pieces=125, which adds" in unknown(**rare, **many)


def test_text_that_was_sampled_is_advised_to_be_sampled_more():
    unseen = {"unknown_characters": {"guard": 0, "coverage": 0, "unseen": 1}, "num_bytes": 5001}
    assert unknown(**unseen).endswith("set surgery.sample_bytes=50000 to learn from more of it")
