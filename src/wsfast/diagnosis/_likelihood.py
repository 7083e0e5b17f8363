"""How likely a decoded string is as text of a language, as a logarithm.

Each character has a cost: low for frequent letters, high for rare ones and for signs in the
wrong place.  ASCII costs the same in every charset, so that the sums of two decodings of the
same bytes can be compared.

Invariant: the work is bounded by the length of the text; no string makes it raise.
"""

# ruff: noqa: RUF001 # the letters and signs of many languages look alike
from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from math import log

# Languages in Latin letters: those beyond a to z, the frequent ones first.
_LATIN = {
    "German": "üäößé",
    "French": "éàèêçôûâîùëïœ",
    "Spanish": "óíáéñúü",
    "Portuguese": "ãáçéíóêõâúàôü",
    "Italian": "èàùòìé",
    "Swedish": "äåöé",
    "Danish": "åøæé",
    "Finnish": "äöå",
    "Icelandic": "áíðéöóúýþæ",
    "Polish": "ęłążśóćńź",
    "Czech": "íáéěýžřčšůúťóňď",
    "Slovak": "áíéčýžúšľťôňäďóĺŕ",
    "Hungarian": "áéöóőíüúű",
    "Croatian": "čšžćđ",
    "Turkish": "ışüçğöİâî",
    "Romanian": "ăîșțâşţ",
}
_ALPHABETS = {
    "Russian": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",
    "Ukrainian": "оаинвіертсклмудпязьбгйчхцїжєюшщфґ",
    "Greek": "αοιετσνηυρπκμλςωόγίθήέάώδύβχφξζψϊΐϋΰ",
    "Hebrew": "יוהלאמרתבשנדכחעפקטגסצםזןךףץ",
    "Arabic": "اليمنوتربعدةفسكحقهجشطصخأضزثذىئغظءآؤإ",
    "Thai": "านรกอเงมยลวดทส้ตะปบ่คหแจพชขใไโผถศซธณฐภิีึืุูัำ็์๊๋ฉฝฟฆญฎฏฑฒฬฮๆฯ",
}
_COMMON_HAN = frozenset(
    "的一是不了在人有我他这這个個们們中来來上大为為和国國地到以说說时時要就出会會可也你对對"
    "生能而子那得于於着著下自之年过過发發后後作里裡用道行所然家种種事成方多经經么麼去法学學"
    "如都同现現当當没沒动動面起看定天分还還进進好小部其些主样樣理心她本前开開但因只从從想实實"
    "日月今水气氣请請问問谢謝早高市城文字数數据據新户戶信息网網电電名東京西南北語语"
)
_COMMON_HANGUL = frozenset(
    "이다는을의가에고하한지로기를도은서사리나자어인시아정일부수해스전그대있상주안보장구만라"
    "니습게들오요유과무것여원적면세와저우거소동공성비었했내생제관국신"
)
# Signs by their usual place: after a digit, next to a space or the end, or around a word.
_AFTER_DIGIT = frozenset("°€£¥¢‰²³½¼¾ªº%±×µ")
_BESIDE_SPACE = frozenset("–—€£¥©®§±×÷•·°µ№«»…¿¡™\u00a0")
_QUOTES = frozenset("“”‘’„‚«»‹›…¿¡™®©")
_SIGNS = _AFTER_DIGIT | _BESIDE_SPACE | _QUOTES
_WIDE_SIGNS = frozenset("、。，！？：；（）「」『』【】《》・ー〜～　“”—…")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff]")
_LETTER = r"(?:[^\W\d_\u00aa\u00ba\u00b5]|[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e])"
_WORD = re.compile(rf"{_LETTER}+(?:’[a-z]+)?|[^\x00-\x7f]")
_THRICE = re.compile(r"([^\x00-\x7f])\1\1")
_UMLAUTS = ("German", "Swedish", "Danish", "Finnish")
_HIATUS = re.compile("[aou][äöå]|[äöå][aou]")  # pairs of vowels that don't occur inside a word
_MARK = re.compile("[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]")
_STRAY_MARK = re.compile("(?:^|[^ก-ฮั-๎])[ัิ-ฺ็-๎]")
_ASCII = -3.0  # the cost of an ASCII character in any charset
_FOREIGN = -14.0  # a character that the language does not have
IMPOSSIBLE = -1e9


def _ranked(letters: str, share: float) -> dict[str, float]:
    """Return the cost of each letter; the most frequent letters come first."""
    count = len(letters)
    weights = [log((count + 1) / (rank + 1)) + 0.02 for rank in range(count)]
    total = sum(weights)
    return {
        letter: log(share * weight / total) for letter, weight in zip(letters, weights, strict=True)
    }


_LETTERS = {name: _ranked(letters, 0.05) for name, letters in _LATIN.items()}
_LETTERS |= {name: _ranked(letters, 0.97) for name, letters in _ALPHABETS.items()}
# How much rarer a language is than others with the same letters.
_RARER = {"Icelandic": -2.0, "Slovak": -1.0, "Finnish": -1.0, "Danish": -0.5, "Croatian": -0.5}
LANGUAGES = (*_LETTERS, "Chinese", "Japanese", "Korean", "text")


@lru_cache(4096)
def _level(character: str, charset: str, plane: range) -> bool:
    """Return whether a standard lists a character among the frequent ones."""
    try:
        return character.encode(charset)[0] in plane
    except UnicodeEncodeError:
        return False


@lru_cache(8192)
def _ideograph(character: str, language: str) -> float:
    """Return the cost of a character in East Asian text."""
    code = ord(character)
    if character in _WIDE_SIGNS:
        return -6.5
    if 0x3041 <= code <= 0x30FE:
        if language != "Japanese":
            return _FOREIGN
        return -4.3 if code < 0x30A0 else -5.3
    if 0xAC00 <= code <= 0xD7A3:
        if language != "Korean":
            return _FOREIGN
        if character in _COMMON_HANGUL:
            return -5.3
        return -8.3 if _level(character, "euc_kr", range(0xB0, 0xC9)) else -14.0
    if not 0x4E00 <= code <= 0x9FFF:
        return _FOREIGN - 2
    if language == "Korean":
        return -13.5
    if character in _COMMON_HAN:
        return -6.0 if language == "Chinese" else -7.0
    if language == "Japanese":
        return -8.7 if _level(character, "shift_jis", range(0x88, 0x98)) else -13.5
    if _level(character, "gb2312", range(0xB0, 0xD8)):
        return -8.7
    return -9.2 if _level(character, "big5", range(0xA4, 0xC7)) else -14.0


def likelihood(text: str, languages: tuple[str, ...]) -> tuple[str, float]:
    """Return the language in which a text is likeliest, and the logarithm of how likely it is.

    ``"text"`` is text whose only non-ASCII characters are signs.
    """
    if _CONTROL.search(text):
        return "", IMPOSSIBLE
    signs, words = 0.0, []
    loud = not any("a" <= c <= "z" for c in text)  # all in capitals, so capitals prove nothing
    for match in _WORD.finditer(text):
        word = match[0]
        if word.isascii():
            continue
        bare = word.replace("’", "")
        if len(word) == 1 and (word in _SIGNS or not word.isalpha()) and not _MARK.match(word):
            signs += _sign(word, text, match.start())
        else:
            signs += _sign("’", text, match.start()) * (bare != word)
            words.append(bare)
    # ASCII outside of these words costs the same in every language; in them, _word counts it.
    outside = sum(1 for c in text if c < "\x80") - sum(c < "\x80" for w in words for c in w)
    base = signs + _ASCII * outside
    if not words:
        return "text", base
    best = max(
        (
            (sum(_word(word, name, loud) for word in words) + _RARER.get(name, 0.0), name)
            for name in languages
        ),
        default=(IMPOSSIBLE, ""),
    )
    return best[1], base + best[0]


def _sign(sign: str, text: str, at: int) -> float:
    before = text[at - 1 : at] if at else " "
    after = text[at + 1 : at + 2] or " "
    if sign in _WIDE_SIGNS and (before > "\x7f" or after > "\x7f"):
        return -6.5
    if sign == "’" and before.isalpha() and after.isalpha():
        return -4.0
    if sign in "°€£" and (
        before.isdigit() or (before == " " and after in "C F") or after.isdigit()
    ):
        return -4.0
    if sign in _AFTER_DIGIT and before.isdigit():
        return -6.0
    if before.isalnum() and after.isalnum():
        return -12.0
    if sign in _QUOTES:
        return -5.0
    if sign in _BESIDE_SPACE and (before in ' "' or after in ' "'):
        return -6.0
    return -12.0


def _word(word: str, language: str, loud: bool) -> float:
    """Return the cost of a word with non-ASCII letters."""
    if language in ("Chinese", "Japanese", "Korean"):
        mixed = sum(1 for a, b in pairwise(word) if (a < "\x80") != (b < "\x80"))
        return sum(_ASCII if c < "\x80" else _ideograph(c, language) for c in word) - 2.0 * mixed
    costs = _LETTERS.get(language)
    if costs is None:
        return IMPOSSIBLE
    latin = language in _LATIN
    total, run = 0.0, 0
    for letter in word:
        if letter < "\x80":
            total += _ASCII if latin else _ASCII - 5.0
            run = 0
            continue
        lower = letter.lower() if letter != "İ" else letter
        # An accented Latin letter takes the place of one of a to z.
        total += costs.get(lower, _FOREIGN) + (_ASCII + 2.0 if latin else 0.0)
        if latin and run:
            total -= 1.0 if language == "Finnish" else 3.0
        run += 1
    if language in _UMLAUTS:
        total -= 3.0 * len(_HIATUS.findall(word))
    elif language == "Thai":
        total += _FOREIGN * len(_STRAY_MARK.findall(word))
    if _THRICE.search(word):
        total += 2 * _FOREIGN  # in no word of any language
    return total + _case(word, loud)


def _case(word: str, loud: bool) -> float:
    if word.islower() or (len(word) == 1 and not word.isupper()) or word.upper() == word.lower():
        return 0.0
    if word[:1].isupper() and not any(map(str.isupper, word[1:])):
        return -1.0
    if word.isupper():
        return -2.0 if loud else -4.5
    return -9.0
