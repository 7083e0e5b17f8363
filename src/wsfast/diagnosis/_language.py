"""Tell whether a decoded string reads like text in some language.

Alphabets and their most frequent letters stand in for language models: enough to tell a
right guess of a charset, a masking key or an encoding from a wrong one.

Invariant: a string with control characters other than tab and line ends is not text.
"""

from __future__ import annotations

import re
from itertools import pairwise

# Languages in Latin letters: the letters beyond a to z.
_LATIN = {
    "German": "äöüß",
    "French": "àâæçéèêëîïôœùûüÿ",
    "Spanish": "áéíñóúü",
    "Portuguese": "áâãàçéêíóôõúü",
    "Italian": "àèéìòù",
    "Swedish": "åäöé",
    "Danish": "æøåé",
    "Icelandic": "áéíóúýþæöð",
    "Polish": "ąćęłńóśźż",
    "Czech": "áčďéěíňóřšťúůýž",
    "Slovak": "áäčďéíĺľňóôŕšťúýž",
    "Hungarian": "áéíóöőúüű",
    "Croatian": "čćđšž",
    "Turkish": "çğıöşüâî\u0307",  # the dot is what lower() makes of İ
    "Romanian": "ăâîșțşţ",
}
# Other scripts: all letters, and the most frequent ones.
_SCRIPTS = {
    "Russian": ("абвгдежзийклмнопрстуфхцчшщъыьэюяё", "оеаинтсрвл"),
    "Ukrainian": ("абвгґдеєжзиіїйклмнопрстуфхцчшщьюя", "оаинвіертс"),
    "Greek": ("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ", "αοιετσνηρυ"),
    "Hebrew": ("אבגדהוזחטיךכלםמןנסעףפץצקרשת", "יוהלאתרבשמ"),
    "Arabic": ("ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىي", "الينموترهب"),
    "Thai": ("กขคฆงจฉชซญฎฏฐณดตถทธนบปผฝพฟภมยรลวศษสหอฮะาำเแโใไ", "านรกอเยมงลวทส"),
    "Hindi": ("अआइईउऊएऐओऔकखगघचछजझञटठडढणतथदधनपफबभमयरलवशषसह", "करनसतहमपलयवद"),
}
_COMMON_HAN = frozenset(
    "的一是不了在人有我他这這个個们們中来來上大为為和国國地到以说說时時要就出会會可也你对對"
    "生能而子那得于於着著下自之年过過发發后後作里裡用道行所然家种種事成方多经經么麼去法学學"
    "如都同现現当當没沒动動面起看定天分还還进進好小部其些主样樣理心她本前开開但因只从從想实實"
    "日月今水天气氣请請问問谢謝早高市城文字数數据據新用户戶信息网網电電"
)
_COMMON_HANGUL = frozenset(
    "이다는을의가에고하한지로기를도은서사리나자어인시아정일부수해스전그대있상주안보장구만라"
    "니습게들오요유과무것여원적면세와저우거소동공성비었했내생제관국신"
)
# Characters that occur in any language: quotes, dashes, signs, currencies, arrows, emoji.
_SIGN = re.compile(
    "[\u00a0¡¢£¥§©«®°±²³µ·º»¼½¾¿\u00d7ª÷\u200b-\u200d\u2010-\u2026\u2030\u2039\u203a\u20ac\u2116"
    "\u2122\u2190-\u27bf\u2b00-\u2bff\u3000-\u3003\u3008-\u3011\u3014-\u301f\ufe0f\uff01-\uff65"
    "\U0001f000-\U0001faff،؛؟]"
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")
_MARK = re.compile("[\u0300-\u036f\u064b-\u0652\u0900-\u0903\u093a-\u094f\u0966\u0e31-\u0e4e]")
_CASE_FAULT = re.compile(r"[^\W\d_][^\W\d_]*", re.UNICODE)
_SCAN = 4096  # characters that are looked at


def reads_like(text: str) -> tuple[str, float]:
    """Return the language that the text fits best, and how well.

    Returns:
        The name of the language, and how well the text fits, from 0 to 1; below about 0.8 it is
        not text.  The name is ``"ASCII"`` if there is no letter beyond a to z.
    """
    text = text[:_SCAN]
    if not text or _CONTROL.search(text):
        return "", 0.0
    beyond = [c for c in text.lower() if c > "\x7f"]
    signs = sum(1 for c in beyond if _SIGN.match(c))
    marks = sum(1 for c in beyond if _MARK.match(c))
    letters = [c for c in beyond if not _SIGN.match(c) and not _MARK.match(c)]
    if len(letters) + marks == 0:
        return "ASCII", _reads_like_ascii(text, signs)
    if 2 * len(letters) >= len(text) > 4 and len(set(letters)) < 3:
        return "", 0.0  # a repeated byte is not a word in any charset
    # Text is mostly letters, even if it has many signs.
    balance = 1.0 if signs <= 0.5 * len(text) else 0.5
    name, fit = _best_alphabet(text, letters, marks)
    return name, fit * balance * _case_order(text)


def _reads_like_ascii(text: str, signs: int) -> float:
    letters = sum(1 for c in text if c.isalpha() and c.isascii())
    ordinary = sum(1 for c in text if c.isascii() and (c.isalnum() or c in " .,:;'\"-\n{}[]_/"))
    frequent = sum(1 for c in text.lower() if c in "etaoinsrhldu")
    if signs > len(text) / 2 or letters == 0:
        return 0.0
    return min(1.0, (ordinary + signs) / len(text)) * min(1.0, 1.8 * frequent / letters)


def _best_alphabet(text: str, letters: list[str], marks: int) -> tuple[str, float]:
    count = len(letters) or 1
    found = [
        ("Chinese", min(1.0, 3.2 * _share(letters, _COMMON_HAN)) * _share_range(letters, _HAN)),
        ("Japanese", _japanese(letters)),
        (
            "Korean",
            min(1.0, 2.2 * _share(letters, _COMMON_HANGUL)) * _share_range(letters, _HANGUL),
        ),
    ]
    for name, (alphabet, frequent) in _SCRIPTS.items():
        share = _share(letters, frozenset(alphabet))
        found.append((name, share * min(1.0, 2.0 * _share(letters, frozenset(frequent)))))
    latin = sum(1 for c in text if c.isascii() and c.isalpha())
    if latin >= count and marks <= count:
        # Not only the letters of one language: a name from another one counts a little too.
        for name, alphabet in _LATIN.items():
            found.append((name, _share(letters, frozenset(alphabet)) * _ascii_around(text)))
    return max(found, key=lambda item: item[1])


def _share(letters: list[str], wanted: frozenset[str]) -> float:
    return sum(1 for c in letters if c in wanted) / (len(letters) or 1)


_HAN = (0x4E00, 0x9FFF)
_HANGUL = (0xAC00, 0xD7A3)


def _share_range(letters: list[str], block: tuple[int, int]) -> float:
    return sum(1 for c in letters if block[0] <= ord(c) <= block[1]) / (len(letters) or 1)


def _japanese(letters: list[str]) -> float:
    kana = _share_range(letters, (0x3041, 0x30FF))
    fullwidth = _share_range(letters, (0x3005, 0x3005))
    return min(1.0, 4.0 * kana) * (kana + fullwidth + _share_range(letters, _HAN))


def _ascii_around(text: str) -> float:
    """Return how many of the words with a letter beyond a to z are mostly a to z."""
    words = [w for w in re.findall(r"[^\W\d_]+", text) if not w.isascii()]
    good = sum(1 for w in words if len(w) == 1 or 2 * sum(c.isascii() for c in w) >= len(w) - 1)
    return good / (len(words) or 1)


def _case_order(text: str) -> float:
    """Return how many words have no capital after a small letter, camelCase aside."""
    words = [w for w in _CASE_FAULT.findall(text) if not w.isascii() and len(w) > 1]
    bad = sum(
        1
        for w in words
        if any(a.islower() and b.isupper() and not b.isascii() for a, b in pairwise(w))
    )
    return 1.0 - bad / (len(words) or 1)
