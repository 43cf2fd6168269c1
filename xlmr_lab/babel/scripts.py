"""Real scripts for invented languages: how a syllable of Babel's sound system is written.

A syllable is one of `CONSONANTS` followed by one of `VOWELS`. Alphabets write two letters, abugidas
and pointed abjads a letter with a combining sign (Thai also signs that stand before the letter),
Hangul one composed block, Ethiopic and Han one character. Every script writes every syllable
differently from every other, so spelling loses nothing.
"""

import dataclasses

CONSONANTS = ("p", "t", "k", "b", "d", "g", "m", "n", "s", "sh", "r", "l", "h", "y", "w", "f")
VOWELS = ("a", "i", "u", "e", "o")
NUM_SYLLABLES = len(CONSONANTS) * len(VOWELS)


@dataclasses.dataclass(frozen=True, slots=True)
class Script:
    """A way to write: ISO 15924 code, one string per syllable, spacing, ends of sentences and
    questions, capitals for names.
    """

    code: str
    syllables: tuple[str, ...]
    spaced: bool = True
    full_stop: str = "."
    question_mark: str = "?"
    capitals: bool = False


def _alphabet(consonants: str, vowels: str) -> tuple[str, ...]:
    letters = consonants.split()
    signs = [sign.strip("\u25cc") for sign in vowels.split()]
    return tuple(c + v for c in letters for v in signs)


def _thai() -> tuple[str, ...]:
    # mai: sara a, sara i, sara u follow the consonant; sara e and sara o stand before it.
    after, before = ("\u0e32", "\u0e34", "\u0e38"), ("\u0e40", "\u0e42")
    return tuple(
        form
        for c in "ป ต ก บ ด ค ม น ส ซ ร ล ห ย ว ฟ".split()
        for form in (*(c + sign for sign in after), *(sign + c for sign in before))
    )


def _hangul() -> tuple[str, ...]:
    leads = (17, 16, 15, 7, 3, 0, 6, 2, 9, 10, 5, 12, 18, 14, 11, 8)
    vowels = (0, 20, 13, 5, 8)
    return tuple(chr(0xAC00 + (lead * 21 + vowel) * 28) for lead in leads for vowel in vowels)


def _ethiopic() -> tuple[str, ...]:
    series = (
        *(0x1350, 0x1270, 0x12A8, 0x1260, 0x12F0, 0x1308, 0x1218, 0x1290),
        *(0x1230, 0x1238, 0x1228, 0x1208, 0x1200, 0x12E8, 0x12C8, 0x1348),
    )
    return tuple(chr(base + order) for base in series for order in (3, 2, 1, 4, 6))


_HAN = (
    "天地人日月山水火木金土石田米竹虫魚鳥馬牛"
    "羊犬花草林森川海雨雪風雲星光明早晚春夏秋"
    "冬年今古新大小多少高長白黒赤青門戸口目耳"
    "手足心力刀弓車舟衣糸食言音文字名王玉国村"
)

_CIRCLE = "\u25cc"

SCRIPTS = {
    script.code: script
    for script in (
        Script("Latn", _alphabet("p t k b d g m n s c r l h y w f", "a i u e o"), capitals=True),
        Script("Cyrl", _alphabet("п т к б д г м н с ш р л х й в ф", "а и у е о"), capitals=True),
        Script(
            "Grek",
            _alphabet("π τ κ β δ γ μ ν σ ξ ρ λ χ ζ ψ φ", "α ι υ ε ο"),
            question_mark=";",
            capitals=True,
        ),
        Script(
            "Arab",
            _alphabet("پ ت ک ب د گ م ن س ش ر ل ه ژ ڤ ف", "ا ی و ێ ۆ"),
            question_mark="\u061f",
        ),
        Script(
            "Deva",
            _alphabet(
                "प त क ब द ग म न स श र ल ह य व फ",
                f"{_CIRCLE} {_CIRCLE}\u093f {_CIRCLE}\u0941 {_CIRCLE}\u0947 {_CIRCLE}\u094b",
            ),
            full_stop="\u0964",
        ),
        Script("Hans", tuple(_HAN), spaced=False, full_stop="\u3002", question_mark="\uff1f"),
        Script("Thai", _thai(), spaced=False, full_stop=" ", question_mark=" "),
        Script("Hang", _hangul()),
        Script(
            "Hebr",
            _alphabet(
                "פ ט כ ב ד ג מ נ ס ש ר ל ה י ו צ",
                f"{_CIRCLE}\u05b7 {_CIRCLE}\u05b4 {_CIRCLE}\u05bb {_CIRCLE}\u05b6 {_CIRCLE}\u05b9",
            ),
        ),
        Script("Geor", _alphabet("პ ტ კ ბ დ გ მ ნ ს შ რ ლ ჰ ჟ ვ ფ", "ა ი უ ე ო")),
        Script("Ethi", _ethiopic(), full_stop="\u1362", question_mark="\u1367"),
        Script(
            "Armn",
            _alphabet("պ տ կ բ դ գ մ ն ս շ ր լ հ յ վ ֆ", "ա ի ու ե օ"),
            full_stop="\u0589",
            question_mark="\u055e",
        ),
    )
}


def spell(script: Script, syllables: tuple[int, ...]) -> str:
    """Write a sequence of syllable numbers (consonant * 5 + vowel).

    >>> spell(SCRIPTS["Latn"], (0, 6))
    'pati'
    """
    return "".join([script.syllables[s] for s in syllables])
