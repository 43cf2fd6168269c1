"""Any encoder of Hugging Face transformers, by local folder or hub name, as ours are called.

BERT and mBERT, RoBERTa, XLM-R, XLM with its language embeddings, XLNet, and other encoders that the
library has a masked LM of. They are run as published: its own modules, in fp32, without the pooler,
which no task here uses. Nothing of a foreign folder is executed: weights are read from safetensors
only, never unpickled, and code that a folder brings along is never run; from the hub come only
those files. Missing weights are refused, where the library would draw them. Left out: decoders.
"""

import contextlib
import re
import textwrap
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError

from xlmr_lab import storage
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import huggingface_text
from xlmr_lab.evaluate.huggingface_encoder import PERMUTED, ForeignEncoder
from xlmr_lab.evaluate.text import TextEncoder

EXTRA = "huggingface"
"""Extra of the package that brings the library."""

CONFIG_NAME = "config.json"
WEIGHTS_NAME, INDEX_NAME = "model.safetensors", "model.safetensors.index.json"
ADAPTER_NAME = "adapter_config.json"
HUB_FILES = ("*.json", "*.model", "*.txt", "model.safetensors", "model-*.safetensors")
"""What is fetched from the hub."""

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")

FOREIGN_CODE = "it brings code of its own, which is never run"

LINE_CHARACTERS = 200
"""So much is told of what the library says."""

FROM_LIBRARY: tuple[type[Exception], ...] = (
    *(OSError, ValueError, RuntimeError, LookupError, TypeError, AttributeError, ImportError),
    SafetensorError,
)
"""What the library raises at a folder that it cannot use."""


class Parts(NamedTuple):
    """A model of the library, and what tasks use of it."""

    folder: Path
    model: Any
    tokenizer: Any
    encoder: ForeignEncoder
    text: TextEncoder


def open_encoder(source: str) -> tuple[ForeignEncoder, TextEncoder]:
    """Return the encoder of a folder or hub name, in evaluation mode on the CPU, and its text.

    Raises:
        UserError: no such folder or model, the hub cannot be reached, weights that are missing,
            pickled or damaged, no encoder, no tokenizer, or a library is missing.
    """
    parts = open_parts(source, "AutoModel")
    return parts.encoder, parts.text


def open_parts(source: str, auto: str) -> Parts:
    """Return what a folder or hub name holds, its model made by the library's class `auto`; raises
    as `open_encoder`."""
    library = _library()
    folder = locate(source)
    with _quiet(library):
        config = _config(library, folder)
        if config.model_type == PERMUTED and auto != "AutoModel":
            raise UserError(
                f"{folder}: {PERMUTED!r} is trained on permutations and has no masked LM"
            )
        model = _model(getattr(library, auto), folder, config)
        tokenizer = _tokenizer(library, folder)
    has_segments = _has_segments(config)
    try:
        encoder = ForeignEncoder(model.base_model).eval()
        size = encoder.vocab_size
        text = huggingface_text.of_tokenizer(tokenizer, size=size, has_segments=has_segments)
        _try_out(encoder, text)
    except UserError as error:
        raise UserError(f"{folder}: {error}") from None
    return Parts(folder, model, tokenizer, encoder, text)


def _library() -> Any:
    try:
        import transformers
    except ImportError:
        raise UserError(
            "encoders of Hugging Face need the library transformers, which is not installed; "
            f"pip install 'xlmr-lab[{EXTRA}]'"
        ) from None
    return transformers


def locate(source: str) -> Path:
    """Return the local folder of a source, fetched from the hub unless it is one; raises as
    `open_encoder`."""
    folder = Path(source).expanduser()
    if not folder.exists():
        if not HUB_NAME.fullmatch(source):
            raise UserError(f"no folder at {source}; give hf:PATH of a folder, or hf:OWNER/NAME")
        folder = _fetched(source)
    if not (folder / CONFIG_NAME).is_file():
        raise UserError(f"no {CONFIG_NAME} in {folder}; give a folder saved by save_pretrained")
    if (folder / ADAPTER_NAME).is_file():
        raise UserError(f"{folder} is an adapter to another model; merge the two and save them")
    if not (folder / WEIGHTS_NAME).is_file():
        _require_safe_parts(folder)
    return folder


def _require_safe_parts(folder: Path) -> None:
    """Refuse a folder whose weights are in several files, unless all are safetensors."""
    index = folder / INDEX_NAME
    told = storage.read_json(index) if index.is_file() else None
    parts = told.get("weight_map") if isinstance(told, dict) else None
    names = [str(name) for name in parts.values()] if isinstance(parts, dict) else [""]
    if not names or not all(name.endswith(".safetensors") for name in names):
        raise UserError(
            f"{folder} has no {WEIGHTS_NAME}; pickled weights can run code and are not read, save "
            "the model again with safe serialization where you trust it"
        )


def _fetched(name: str) -> Path:
    """Return the folder of the hub's model, in the library's own cache."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        return Path(snapshot_download(name, allow_patterns=list(HUB_FILES)))
    except GatedRepoError:
        problem = "its terms are not accepted yet; accept them on its page and log in"
    except RepositoryNotFoundError:
        problem = "there is none of that name, nor a folder here; give hf:PATH or hf:OWNER/NAME"
    except LocalEntryNotFoundError:
        problem = (
            "it cannot be reached, and no copy is in the cache; give hf:PATH of a local folder, or "
            "try again where it is reached"
        )
    except (OSError, ValueError) as error:
        problem = f"{_line(error)}; give hf:PATH of a local folder"
    raise UserError(f"cannot fetch the model {name!r} from the Hugging Face hub: {problem}")


def _config(library: Any, folder: Path) -> Any:
    """Return the configuration of an encoder, and refuse what is none."""
    from huggingface_hub.errors import StrictDataclassError

    path = folder / CONFIG_NAME
    auto = library.models.auto
    kind = _model_type(path, auto.configuration_auto.CONFIG_MAPPING_NAMES, library.__version__)
    with _told_of(path, StrictDataclassError):
        config = library.AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    known = {*auto.modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES, PERMUTED}
    decodes = config.is_encoder_decoder or getattr(config, "is_decoder", False)
    if kind not in known or decodes:
        raise UserError(
            f"{path}: {kind!r} is no encoder of masked text; give one such as 'bert' or "
            "'xlm-roberta'"
        )
    return config


def _model_type(path: Path, known: Container[str], version: str) -> str:
    """Return what kind of model a configuration is of; refuse one that asks for foreign code."""
    try:
        settings = storage.read_json(path)
    except UserError:
        raise UserError(f"{path} is no JSON; copy it again") from None
    kind = settings.get("model_type") if isinstance(settings, dict) else None
    if kind is None:
        raise UserError(f"{path} has no model_type; give a folder saved by save_pretrained")
    if kind not in known:
        own = f"; {FOREIGN_CODE}" if "auto_map" in settings else ""
        raise UserError(
            f"{path}: transformers {version} has no model_type {kind!r}{own}; "
            "give an encoder such as 'bert' or 'xlm-roberta'"
        )
    for name in ("attn_implementation", "_attn_implementation"):
        if "/" in str(settings.get(name)):
            raise UserError(f"{path}: {name} is {settings[name]!r}; {FOREIGN_CODE}, take it out")
    if settings.get("quantization_config"):
        raise UserError(f"{path} is of quantized weights; give the model in full precision")
    return str(kind)


def _model(auto: Any, folder: Path, config: Any) -> Any:
    with _told_of(folder), torch.random.fork_rng(devices=[]):
        model, report = auto.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            use_safetensors=True,
            ignore_mismatched_sizes=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    missing = sorted(name for name in report["missing_keys"] if not name.startswith("pooler."))
    if missing:
        raise UserError(
            f"{folder} lacks {len(missing):,} of the model's tensors, such as {missing[0]}; "
            "copy it again, or save the whole model"
        )
    for name, found, wanted in sorted(report["mismatched_keys"])[:1]:
        raise UserError(
            f"{folder} does not fit its {CONFIG_NAME}: {name} is {tuple(found)}, not "
            f"{tuple(wanted)}; copy it again"
        )
    if getattr(model, "pooler", None) is not None:
        model.pooler = None
    return model


def _tokenizer(library: Any, folder: Path) -> Any:
    try:
        return library.AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except ImportError as error:
        problem = f"needs a library that is not installed: {_line(error)}"
    except FROM_LIBRARY as error:
        problem = f"does not load ({_line(error)}); add the files of the tokenizer to the folder"
    raise UserError(f"the tokenizer of {folder} {problem}")


def _try_out(encoder: ForeignEncoder, text: TextEncoder) -> None:
    """Call an encoder once, as the tasks will."""
    (ids,) = text.encode(["a"], "en")
    row = torch.from_numpy(text.layout.single(ids).ids)[None]
    languages = None if encoder.languages is None else torch.zeros(1, 1, dtype=torch.long)
    segments = torch.zeros_like(row) if text.layout.has_segments else None
    with torch.inference_mode():
        try:
            found = encoder(row, torch.ones_like(row, dtype=torch.bool), None, languages, segments)
        except FROM_LIBRARY as error:
            raise UserError(
                f"the encoder cannot be called as others are ({_line(error)}); give another one"
            ) from None
    if found.shape != (*row.shape, encoder.hidden_size):
        raise UserError(
            f"the encoder gives states of shape {tuple(found.shape)}, not one for each token; give "
            "another one"
        )


def _has_segments(config: Any) -> bool:
    """Return whether an encoder was made for more than one segment, which the library's tokenizers
    do not always tell (its version 5 leaves out XLNet's)."""
    return config.model_type == PERMUTED or (getattr(config, "type_vocab_size", None) or 0) > 1


@contextlib.contextmanager
def _told_of(place: Path, *more: type[Exception]) -> Iterator[None]:
    """Turn what the library says of a folder or file into one line that names it; `more` errors are
    taken for that as well."""
    told: tuple[type[Exception], ...] = (*FROM_LIBRARY, *more)
    try:
        yield
    except told as error:
        raise UserError(f"{place} cannot be used ({_line(error)}); copy it again") from None


@contextlib.contextmanager
def _quiet(library: Any) -> Iterator[None]:
    """Keep the library from writing to the screen: what matters of its warnings is an error
    here."""
    log = library.utils.logging
    level, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()


def _line(error: Exception) -> str:
    """Return what an error says in one line that is not too long."""
    text = " ".join(str(error).split()) or type(error).__name__
    return textwrap.shorten(text, LINE_CHARACTERS, placeholder="...")
