"""The BiLSTM-CRF of Lample et al. (2016, arXiv 1603.01360): NER without a pretrained encoder.

It is the first row of XLM-R's Table 2. A word is its embedding beside what a BiLSTM makes of its
characters (Sec. 4.1); behind dropout (Sec. 4.3) a BiLSTM reads the sentence, a tanh layer and a
linear one give each label a score (Sec. 2.3), and a CRF chooses the labels of the whole sentence
(Sec. 2.2). Sizes are those of Sec. 4.1, 4.2 and 5.1. The LSTM is the usual one of today; the
paper's has peepholes and its input gate decides what is forgotten. The paper does not say how
weights begin: here uniform (Glorot and Bengio 2010), forget gates open, embeddings of length 1 on
average (as in Ma and Hovy 2016; ten times that learns far slower).
Left out: the paper's other model, a stack-LSTM.

Shapes: B sentences, T words, U distinct words of a batch, K characters, W width, C labels.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.bilstm_inputs import Batch
from xlmr_lab.evaluate.crf import Crf


@dataclass(frozen=True, kw_only=True, slots=True)
class BilstmShape:
    """Sizes of a BiLSTM-CRF, by default the paper's."""

    word_dim: int = 100
    """Numbers in a word's embedding (Sec. 4.2: 100 for English, 64 for other languages)."""
    character_dim: int = 25
    """Numbers in a character's embedding (Sec. 5.1)."""
    character_hidden: int = 25
    """Numbers in the state of each LSTM over characters (Sec. 4.1)."""
    word_hidden: int = 100
    """Numbers in the state of each LSTM over words, and outputs of the tanh layer (Sec. 5.1)."""
    dropout: float = 0.5
    """Probability of dropping a number of the input of the LSTMs over words (Sec. 5.1)."""

    def __post_init__(self) -> None:
        for name in ("word_dim", "character_dim", "character_hidden", "word_hidden"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.dropout < 1:
            raise UserError(f"dropout must be in [0, 1), got {self.dropout}")


class BothWays(nn.Module):
    """Two LSTMs, of which one reads each row from its last element to its first.

    As packed sequences do, and faster on a CPU; what stands behind a row's end has no part.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.forwards = nn.LSTM(input_size, hidden_size, batch_first=True)
        self.backwards = nn.LSTM(input_size, hidden_size, batch_first=True)

    def forward(self, values: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return the states of both at each element [B, T, W], each behind what it has read there,
        and those at the end of their way [B, W]."""
        turned = reversal(lengths, values.shape[1])
        ahead = self.forwards(values)[0]  # B T W/2
        back = self.backwards(_taken(values, turned))[0]
        last = (lengths - 1)[:, None]
        ends = torch.cat([_taken(ahead, last), _taken(back, last)], -1)[:, 0]
        return torch.cat([ahead, _taken(back, turned)], -1), ends


def reversal(lengths: Tensor, size: int) -> Tensor:
    """Return the places [B, size] that turn the first `lengths` [B] elements of each row around.

    >>> reversal(torch.tensor([3, 1]), 3).tolist()
    [[2, 1, 0], [0, 1, 2]]
    """
    places = torch.arange(size, device=lengths.device)
    turned = lengths[:, None] - 1 - places
    return torch.where(turned < 0, places, turned)


def _taken(values: Tensor, places: Tensor) -> Tensor:
    """Return the elements of rows [B, T, W] at places [B, P]."""
    return values.gather(1, places[..., None].expand(-1, -1, values.shape[2]))


class BilstmCrf(nn.Module):
    """From words and their characters to labels."""

    def __init__(
        self,
        shape: BilstmShape,
        *,
        num_words: int,
        num_characters: int,
        num_labels: int,
        generator: torch.Generator,
        sparse: bool = False,
    ) -> None:
        """Draw all weights; with `sparse` the gradient of the word embeddings holds but the rows of
        words that were seen."""
        super().__init__()
        self.shape = shape
        self.words = nn.Embedding(num_words, shape.word_dim, sparse=sparse)
        self.characters = nn.Embedding(num_characters, shape.character_dim)
        self.spelling = BothWays(shape.character_dim, shape.character_hidden)
        width = shape.word_dim + 2 * shape.character_hidden
        self.sentence = BothWays(width, shape.word_hidden)
        self.hidden = nn.Linear(2 * shape.word_hidden, shape.word_hidden)
        self.scores = nn.Linear(shape.word_hidden, num_labels)
        self.crf = Crf(num_labels)
        _initialize(self, generator)

    def emissions(self, batch: Batch, dropping: torch.Generator | None = None) -> Tensor:
        """Return the score [B, T, C] of each label of each word; with a generator, dropout is drawn
        from it."""
        _, spelled = self.spelling(self.characters(batch.characters), batch.num_characters)  # U W
        values = torch.cat([self.words(batch.words), spelled[batch.forms]], -1)  # B T W
        if dropping is not None and self.shape.dropout:
            kept = torch.rand(values.shape, generator=dropping) >= self.shape.dropout
            values = values * kept / (1 - self.shape.dropout)
        states, _ = self.sentence(values, batch.lengths)
        scores: Tensor = self.scores(torch.tanh(self.hidden(states)))
        return scores

    def loss(self, batch: Batch, dropping: torch.Generator | None = None) -> Tensor:
        """Return the mean negative log-likelihood of the sentences' labels."""
        assert batch.labels is not None, "labels are encoded where they are learned"
        scores = self.emissions(batch, dropping)
        mean: Tensor = self.crf.loss(scores, batch.labels, batch.lengths).mean()
        return mean

    @torch.no_grad()
    def best(self, batch: Batch) -> Tensor:
        """Return the labels [B, T] of the sentences' best paths; 0 behind their ends."""
        return self.crf.best_paths(self.emissions(batch), batch.lengths)


@torch.no_grad()
def _initialize(model: BilstmCrf, generator: torch.Generator) -> None:
    """Draw matrices and embeddings; put biases and the CRF at 0, forget gates at 1."""
    for name, parameter in model.named_parameters():
        if name.startswith("crf."):
            continue
        if isinstance(model.get_submodule(name.rpartition(".")[0]), nn.Embedding):
            bound = math.sqrt(3 / parameter.shape[1])
            parameter.uniform_(-bound, bound, generator=generator)
        elif parameter.dim() > 1:
            _draw(parameter, 4 if "weight_" in name else 1, generator)
        else:
            parameter.zero_()
            if "bias_ih" in name:
                _, forget, _, _ = parameter.chunk(4)
                forget.fill_(1)


def _draw(matrix: Tensor, num_gates: int, generator: torch.Generator) -> None:
    """Draw the matrices that an LSTM holds as one for all gates, each as one of its own."""
    for part in matrix.chunk(num_gates):
        bound = math.sqrt(6 / sum(part.shape))
        part.uniform_(-bound, bound, generator=generator)
