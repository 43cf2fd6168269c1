"""Tiny random encoders of each architecture, with tokenizers trained here, as folders that
`save_pretrained` writes.
"""

import functools
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sentencepiece
import tokenizers
import torch

KINDS = ("xlm-roberta", "roberta", "bert", "mbert", "xlm", "xlnet")

LANGUAGES = ("en", "de", "th", "zh")

TEXTS = [
    "the cat sat on the mat , and the dogs ran .",
    'Caf\u00e9 na\u00efve (\u00abb\u00e9b\u00e9\u00bb) 12 1/2 (c) "it\'s" -- a_b [x] {y} <s> </s>',
    "\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22\u0e40\u0e1b\u0e47\u0e19\u0e20\u0e32\u0e29\u0e32",
    "\u4e16\u754c \u4f60\u597d \u65e5\u672c\u8a9e \u3042\u3044\u3046",
    "finer fine fi fl office oe ae ss",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e",
]

SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
BODY = {"intermediate_size": 48, "initializer_range": 0.3}


def sentencepiece_model(**more) -> bytes:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 20),
        model_writer=model,
        vocab_size=150,
        hard_vocab_limit=False,
        character_coverage=1.0,
        minloglevel=2,
        num_threads=1,
        **more,
    )
    return model.getvalue()


def xlm_roberta(library, folder: Path):
    (folder / "sentencepiece.bpe.model").write_bytes(sentencepiece_model())
    tokenizer = library.XLMRobertaTokenizer.from_pretrained(folder)
    config = library.XLMRobertaConfig(
        vocab_size=len(tokenizer), type_vocab_size=1, max_position_embeddings=66, **SHAPE, **BODY
    )
    return tokenizer, library.XLMRobertaForMaskedLM(config)


def roberta(library, folder: Path):
    trained = tokenizers.ByteLevelBPETokenizer()
    names = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trained.train_from_iterator(TEXTS * 20, vocab_size=400, special_tokens=names)
    trained.save_model(str(folder))
    tokenizer = library.RobertaTokenizer.from_pretrained(folder)
    config = library.RobertaConfig(
        vocab_size=len(tokenizer), type_vocab_size=1, max_position_embeddings=66, **SHAPE, **BODY
    )
    return tokenizer, library.RobertaForMaskedLM(config)


def bert(library, folder: Path, *, lowercase: bool):
    trained = tokenizers.BertWordPieceTokenizer(lowercase=lowercase)
    trained.train_from_iterator(TEXTS * 20, vocab_size=200)
    tokenizer = library.BertTokenizer(vocab=trained.get_vocab(), do_lower_case=lowercase)
    config = library.BertConfig(
        vocab_size=len(tokenizer), max_position_embeddings=64, **SHAPE, **BODY
    )
    return tokenizer, library.BertForMaskedLM(config)


def xlm(library, folder: Path):
    trained = tokenizers.CharBPETokenizer()
    names = ["<s>", "</s>", "<pad>", "<unk>", *(f"<special{i}>" for i in range(10))]
    trained.train_from_iterator(TEXTS * 20, vocab_size=250, special_tokens=names)
    trained.save_model(str(folder))
    tokenizer = library.XLMTokenizer.from_pretrained(folder)
    places = {key: i for i, key in enumerate(LANGUAGES)}
    config = library.XLMConfig(
        vocab_size=len(tokenizer),
        emb_dim=32,
        n_layers=2,
        n_heads=4,
        max_position_embeddings=64,
        n_langs=len(LANGUAGES),
        lang2id=places,
        id2lang={i: key for key, i in places.items()},
        embed_init_std=0.3,
        init_std=0.3,
    )
    return tokenizer, library.XLMWithLMHeadModel(config)


def xlnet(library, folder: Path):
    symbols = ["<cls>", "<sep>", "<pad>", "<mask>", "<eod>", "<eop>"]
    model = sentencepiece_model(control_symbols=symbols, normalization_rule_name="nmt_nfkc")
    (folder / "spiece.model").write_bytes(model)
    tokenizer = library.XLNetTokenizer.from_pretrained(folder)
    config = library.XLNetConfig(
        vocab_size=len(tokenizer), d_model=32, n_layer=2, n_head=4, d_inner=48
    )
    config.initializer_range = 0.3
    return tokenizer, library.XLNetLMHeadModel(config)


MAKERS = {
    "xlm-roberta": xlm_roberta,
    "roberta": roberta,
    "bert": functools.partial(bert, lowercase=True),
    "mbert": functools.partial(bert, lowercase=False),
    "xlm": xlm,
    "xlnet": xlnet,
}


@pytest.fixture(scope="session")
def library():
    """Return transformers."""
    found = pytest.importorskip("transformers")
    found.utils.logging.set_verbosity_error()
    found.utils.logging.disable_progress_bar()
    return found


@pytest.fixture(scope="session")
def folder_of(library, tmp_path_factory) -> Callable[[str], Path]:
    """Return the function that gives the folder of a kind of encoder, made when asked for first."""

    @functools.cache
    def make(kind: str) -> Path:
        source, folder = (tmp_path_factory.mktemp(name) for name in (f"{kind}-source", kind))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            tokenizer, model = MAKERS[kind](library, source)
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.normal_(0.0, 0.3)
        tokenizer.save_pretrained(folder)
        model.eval().save_pretrained(folder)
        return folder

    return make


@pytest.fixture
def change() -> Callable[..., Path]:
    """Return the function that copies a folder's files and changes settings in one of them, those
    given as None being taken out."""

    def changed(folder: Path, target: Path, name: str, **settings) -> Path:
        target.mkdir(exist_ok=True)
        for file in folder.iterdir():
            (target / file.name).write_bytes(file.read_bytes())
        content = {**json.loads((target / name).read_text()), **settings}
        kept = {key: value for key, value in content.items() if value is not None}
        (target / name).write_text(json.dumps(kept))
        return target

    return changed
