"""The golden values of the metrics' tests, from the official scorers, which are not kept here.

Each run scores the cases of tests/evaluate/golden with one official scorer and writes what it says,
with where it came from, into a file there; the tests of evaluate's metrics make the same cases
again and must agree to the last digit. `--source` is written into the file. The scripts:
evaluate-v1.1.py of SQuAD (allenai/bi-att-flow), mlqa_evaluation_v1.py (facebookresearch/MLQA),
conlleval (Perl; glample/tagger; beware of edited copies), and for glue scikit-learn and scipy, no
script. `--data` makes the file of real text: only its scores, no sentence of it.

    python tests/benchmarks/golden_metrics.py squad --script PATH --source OWNER/NAME@COMMIT
    python tests/benchmarks/golden_metrics.py mlqa --script PATH --source OWNER/NAME@COMMIT
    python tests/benchmarks/golden_metrics.py conlleval --script PATH --source OWNER/NAME@COMMIT
    python tests/benchmarks/golden_metrics.py glue
    python tests/benchmarks/golden_metrics.py mlqa --script PATH --source S --data ../shared/data/qa
"""

import argparse
import hashlib
import json
import lzma
import platform
import runpy
import shlex
import subprocess
import sys
import types
import unicodedata
import warnings
from importlib import metadata
from pathlib import Path

GOLDEN = Path(__file__).parents[1] / "evaluate" / "golden"


def load(path: Path) -> types.SimpleNamespace:
    """Return what a Python file defines."""
    return types.SimpleNamespace(**runpy.run_path(str(path)))


ANSWERS = load(GOLDEN / "answer_cases.py")


def write(name: str, header: dict, results: dict) -> None:
    """Write a golden file: one line for each part of the header and of the results."""
    arguments = [Path(word).name if Path(word).exists() else word for word in sys.argv[1:]]
    command = shlex.join(["python", "tests/benchmarks/golden_metrics.py", *arguments])
    made = {"python": platform.python_version(), "unicode": unicodedata.unidata_version}
    parts = {"command": command, **made, **header, **results}
    lines = [f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in parts.items()]
    path = GOLDEN / f"{name}.json"
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(f"{path}: {path.stat().st_size:,} bytes")


def origin(options: argparse.Namespace) -> dict[str, str]:
    """Say which script it was."""
    content = options.script.read_bytes()
    return {
        "script": options.script.name,
        "source": options.source,
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def articles(predictions: dict, references: dict) -> list[dict]:
    """Lay questions out as the scripts read them."""
    questions = [
        {"id": name, "answers": [{"text": gold} for gold in golds]}
        for name, golds in references.items()
    ]
    return [{"paragraphs": [{"qas": questions}]}]


def by_number(pairs: list) -> tuple[dict, dict]:
    """Return predictions and gold answers by the number of the case."""
    return {str(i): p for i, (p, _) in enumerate(pairs)}, {
        str(i): golds for i, (_, golds) in enumerate(pairs)
    }


def answers_of_one_language(script, language: str, arguments: tuple[str, ...]) -> dict:
    """Score each case on its own, and sets of cases as the script's main function does."""
    pairs, best = ANSWERS.cases(language), script.metric_max_over_ground_truths
    matches = [best(script.exact_match_score, p, golds, *arguments) for p, golds in pairs]
    f1 = [best(script.f1_score, p, golds, *arguments) for p, golds in pairs]
    totals = [script.evaluate(articles(*part), part[0], *arguments) for part in ANSWERS.sets(pairs)]
    return {
        "cases": ANSWERS.checksum(pairs),
        "exact_match": "".join("1" if match else "0" for match in matches),
        "f1": f1,
        "sets": [[total["exact_match"], total["f1"]] for total in totals],
    }


def answers(options: argparse.Namespace) -> None:
    """Make squad.json or mlqa.json."""
    script, is_mlqa = load(options.script), options.scorer == "mlqa"
    results = {
        language: answers_of_one_language(script, language, (language,) if is_mlqa else ())
        for language in ANSWERS.LANGUAGES
        if is_mlqa or language in ("en", "zh", "ar")
    }
    write(options.scorer, origin(options), results)


def real_answers(options: argparse.Namespace) -> None:
    """Make squad_real.json or mlqa_real.json: per file its checksum and the two scores."""
    script, results = load(options.script), {}
    for path in sorted(options.data.rglob("*.json.xz")):
        content = lzma.decompress(path.read_bytes())
        dataset = json.loads(content)["data"]
        language = language_of(path.name)
        if options.scorer == "mlqa" and language not in ANSWERS.LANGUAGES:
            continue
        arguments = (language,) if options.scorer == "mlqa" else ()
        predictions, references = by_number(ANSWERS.real_cases(dataset))
        total = script.evaluate(articles(predictions, references), predictions, *arguments)
        name = path.relative_to(options.data).as_posix()
        results[name] = {
            "language": language,
            "content": hashlib.sha256(content).hexdigest(),
            **total,
        }
    write(f"{options.scorer}_real", origin(options), results)


def language_of(name: str) -> str:
    """Return the language of a file's contexts: xquad.de.json.xz, dev-context-de-question-en..."""
    words = name.replace("arcd", "ar").replace("-", ".").split(".")
    return next(word for word in words if len(word) == 2)


def conlleval(options: argparse.Namespace) -> None:
    """Make conlleval.json: the first two lines that it prints, and the checksum of all."""
    pairs = load(GOLDEN / "tag_cases.py").cases()
    summaries, outputs = [], []
    for predicted, gold in pairs:
        blocks = [
            "".join(f"w {g} {p}\n" for p, g in zip(*tags, strict=True))
            for tags in zip(predicted, gold, strict=True)
        ]
        done = subprocess.run(
            ["perl", str(options.script)],
            input="\n".join(blocks),
            capture_output=True,
            text=True,
            check=True,
        )
        printed = done.stdout.replace(";", " ").replace("%", " ").replace(".\n", "\n").split()
        summaries.append([float(w) for w in printed[: printed.index("FB1:") + 2] if is_number(w)])
        outputs.append(hashlib.sha256(done.stdout.encode("utf-8")).hexdigest()[:16])
    header = {**origin(options), "cases": ANSWERS.checksum(pairs)}
    write("conlleval", header, {"summaries": summaries, "outputs": outputs})


def is_number(word: str) -> bool:
    return word.replace(".", "", 1).isdigit()


def glue(_options: argparse.Namespace) -> None:
    """Make glue_labels.json and glue_similarities.json with scikit-learn and scipy."""
    from scipy import stats
    from sklearn import metrics

    warnings.simplefilter("ignore")  # what is undefined, on purpose
    generator = load(GOLDEN / "glue_cases.py")
    versions = {name: metadata.version(name) for name in ("scikit-learn", "scipy", "numpy")}
    pairs = generator.label_cases()
    labels = {
        "accuracy": [float(metrics.accuracy_score(gold, ours)) for ours, gold in pairs],
        "f1": [float(metrics.f1_score(gold, ours)) for ours, gold in pairs],
        "matthews": [float(metrics.matthews_corrcoef(gold, ours)) for ours, gold in pairs],
    }
    write("glue_labels", {**versions, "cases": ANSWERS.checksum(pairs)}, labels)
    pairs = generator.similarity_cases()
    similarities = {
        "pearson": [number(stats.pearsonr(ours, gold)[0]) for ours, gold in pairs],
        "spearman": [number(stats.spearmanr(ours, gold)[0]) for ours, gold in pairs],
    }
    header = {**versions, "cases": ANSWERS.checksum(pairs)}
    write("glue_similarities", header, similarities)


def number(value: float) -> float | None:
    """Return a value for JSON, which has no NaN."""
    return None if value != value else float(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scorer", choices=("squad", "mlqa", "conlleval", "glue"))
    parser.add_argument("--script", type=Path, help="the official script, kept outside the project")
    parser.add_argument("--source", default="", help="where it came from: owner/name@commit path")
    parser.add_argument("--data", type=Path, help="folder of SQuAD-format files of real text")
    options = parser.parse_args()
    if options.scorer != "glue" and options.script is None:
        parser.error(f"{options.scorer} needs --script")
    if options.data is not None:
        real_answers(options)
    elif options.scorer == "glue":
        glue(options)
    elif options.scorer == "conlleval":
        conlleval(options)
    else:
        answers(options)


if __name__ == "__main__":
    main()
