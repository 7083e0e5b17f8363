"""Generate payloads whose origin is known, to measure ``wsfast.diagnose`` by.

``TUNING`` is for work on the detectors, ``HELD_OUT`` for the figures: they share no
sentence.  What makes a payload is the real encoder or compressor wherever there is one.

Invariant: the same seed gives the same payloads.
"""

# ruff: noqa: RUF001 # the letters of many languages look alike
from __future__ import annotations

import json
import random
import re
import struct
import zlib
from collections.abc import Callable, Sequence

import cbor2
import msgpack  # type: ignore[import-untyped] # it has no types

Texts = dict[str, Sequence[str]]

TUNING: Texts = {
    "English": (
        "The quick update was sent to every client before noon.",
        "Please check the order status and reply with the number.",
        "Nobody could find the naïve approach faster than the café owner’s.",
        "Temperature is 21°C inside and the price is £30 – or €35.",
    ),
    "German": (
        "Die Straße über die Brücke ist für größere Fahrzeuge gesperrt.",
        "Schöne Grüße aus München, wir hören uns nächste Woche wieder.",
        "Bitte prüfen Sie die Übersicht der fälligen Beträge im Anhang.",
    ),
    "French": (
        "L’été dernier, nous avons été très heureux de vous recevoir à la maison.",
        "Le problème a été résolu après la mise à jour du système.",
        "Où êtes-vous allé hier soir avec votre frère et sa fiancée ?",
    ),
    "Spanish": (
        "¿Dónde está la estación más próxima al hotel, señor?",
        "El niño comió una manzana y después jugó en el jardín.",
        "La información se actualizará automáticamente mañana por la tarde.",
    ),
    "Portuguese": (
        "A informação não está disponível até amanhã de manhã.",
        "Você já conhece a região onde nós vamos passar as férias?",
        "O coração da cidade é a praça com as árvores antigas.",
    ),
    "Swedish": (
        "Vi går ut och äter på söndag om vädret är bra på ön.",
        "Det är svårt att förstå hur många år det tog att bygga bron.",
    ),
    "Polish": (
        "Proszę sprawdzić, czy wszystkie zamówienia zostały wysłane do klientów.",
        "Wczoraj był piękny dzień, więc poszliśmy na długi spacer nad rzekę.",
        "Źle się czuję, muszę odpocząć i napić się gorącej herbaty.",
    ),
    "Czech": (
        "Příští týden pojedeme na výlet do hor, pokud bude hezké počasí.",
        "Žádost byla přijata a vyřízena během několika pracovních dnů.",
        "Děkuji za vaši rychlou odpověď a těším se na další spolupráci.",
    ),
    "Turkish": (
        "Yarın sabah işe gitmeden önce çocukları okula bırakacağım.",
        "Güneşli bir günde deniz kıyısında yürüyüş yapmak çok güzeldir.",
    ),
    "Russian": (
        "Завтра утром мы поедем за город, если будет хорошая погода.",
        "Пожалуйста, проверьте данные и отправьте ответ до конца недели.",
        "Дети играли во дворе, пока родители готовили ужин.",
    ),
    "Greek": (
        "Αύριο το πρωί θα πάμε στη θάλασσα αν έχει καλό καιρό.",
        "Παρακαλώ ελέγξτε τα στοιχεία και στείλτε μας την απάντηση.",
    ),
    "Hebrew": (
        "מחר בבוקר ניסע לים אם מזג האוויר יהיה נעים.",
        "אנא בדקו את הפרטים ושלחו לנו תשובה עד סוף השבוע.",
    ),
    "Arabic": (
        "سوف نذهب غدا صباحا الى البحر اذا كان الطقس جميلا.",
        "يرجى التحقق من البيانات وارسال الجواب قبل نهاية الاسبوع.",
    ),
    "Japanese": (
        "明日の朝、天気が良ければ海に行きましょう。",
        "データを確認して、週末までに返事を送ってください。",
        "子供たちは公園で楽しそうに遊んでいました。",
    ),
    "Chinese": (
        "明天早上如果天气好，我们就去海边走走。",
        "请检查这些数据，并在周末之前给我们回复。",
        "他们在公园里玩得很开心，到了晚上才回家。",
    ),
    "Korean": (
        "내일 아침에 날씨가 좋으면 우리는 바다에 갈 것입니다.",
        "자료를 확인하고 주말까지 답장을 보내 주시기 바랍니다.",
    ),
}
HELD_OUT: Texts = {
    "English": (
        "Our servers restart tonight, so expect a short interruption of the service.",
        "She wrote down the résumé of the meeting and left it on the desk.",
        "It’s half past four — time for another round of testing…",
        "Delivery of the parcels takes three days, shipping costs are 12 €.",
    ),
    "German": (
        "Während der Prüfung läuft das Gerät völlig geräuschlos weiter.",
        "Können Sie mir erklären, weshalb die Lieferung verspätet eintrifft?",
        "Der Bäcker öffnet früh um sechs und schließt am späten Nachmittag.",
    ),
    "French": (
        "Ce château a été bâti au siècle dernier près de la forêt.",
        "Voilà pourquoi la réunion prévue à Genève a été annulée.",
        "Un élève âgé de dix ans a trouvé la réponse grâce à son père.",
    ),
    "Spanish": (
        "Mañana habrá una reunión sobre la situación económica del país.",
        "¡Qué alegría volver a verte después de tantos años!",
        "Todavía no sé cuándo llegará el próximo tren a Málaga.",
    ),
    "Portuguese": (
        "Ninguém sabe quando a construção da ponte estará concluída.",
        "Amanhã haverá uma reunião sobre a situação econômica do país.",
        "Três irmãos abriram uma padaria próximo à estação.",
    ),
    "Swedish": (
        "Nästa år kommer företaget att öppna två nya fabriker i Göteborg.",
        "Barnen åkte skridskor på sjön när isen äntligen hade lagt sig.",
    ),
    "Polish": (
        "Jutro odbędzie się spotkanie dotyczące sytuacji gospodarczej kraju.",
        "Nie wiem jeszcze, kiedy przyjedzie następny pociąg z Łodzi.",
        "Książka leżała na półce obok dużego okna, pod którym rosły kwiaty.",
    ),
    "Czech": (
        "Zítra se uskuteční schůzka o hospodářské situaci v zemi.",
        "Ještě nevím, kdy přijede nejbližší vlak z Brna.",
        "Kočka ležela na střeše a pozorovala ptáky létající nad zahradou.",
    ),
    "Turkish": (
        "Toplantı ülkenin ekonomik durumu hakkında yarın öğleden sonra yapılacak.",
        "Kitaplığın üzerindeki eski saat hâlâ çalışıyor, fakat biraz geri kalıyor.",
    ),
    "Russian": (
        "Совещание о положении дел в стране состоится на следующей неделе.",
        "Я ещё не знаю, когда приедет ближайший поезд из Москвы.",
        "Старые часы на полке всё ещё идут, но немного отстают.",
    ),
    "Greek": (
        "Η συνάντηση για την οικονομική κατάσταση της χώρας θα γίνει την άλλη εβδομάδα.",
        "Δεν ξέρω ακόμα πότε φτάνει το επόμενο τρένο από τη Θεσσαλονίκη.",
    ),
    "Hebrew": (
        "הפגישה על המצב הכלכלי של המדינה תתקיים בשבוע הבא.",
        "אני עדיין לא יודע מתי מגיעה הרכבת הבאה מחיפה.",
    ),
    "Arabic": (
        "سيعقد الاجتماع حول الوضع الاقتصادي للبلاد في الاسبوع القادم.",
        "لا اعرف بعد متى يصل القطار التالي من المدينة القديمة.",
    ),
    "Japanese": (
        "国の経済状況についての会議は来週開かれる予定です。",
        "次の電車がいつ着くのか、まだ分かりません。",
        "棚の上の古い時計は、少し遅れていますがまだ動いています。",
    ),
    "Chinese": (
        "关于国家经济情况的会议将在下个星期举行。",
        "我还不知道下一班火车什么时候到这里。",
        "书架上的那个旧钟还在走，不过有一点慢。",
    ),
    "Korean": (
        "나라의 경제 상황에 대한 회의는 다음 주에 열릴 예정입니다.",
        "다음 기차가 언제 도착하는지 아직 모르겠습니다.",
    ),
}

CHARSETS = (
    *(("English", "cp1252"), ("German", "latin-1"), ("German", "cp1252"), ("French", "cp1252")),
    *(("Spanish", "latin-1"), ("Portuguese", "latin-1"), ("Swedish", "latin-1")),
    *(("Polish", "cp1250"), ("Polish", "iso8859-2"), ("Czech", "cp1250"), ("Turkish", "cp1254")),
    *(("Russian", "cp1251"), ("Russian", "koi8-r"), ("Greek", "cp1253"), ("Hebrew", "cp1255")),
    *(("Arabic", "cp1256"), ("Japanese", "shift_jis"), ("Japanese", "euc_jp")),
    *(("Chinese", "gb18030"), ("Korean", "euc_kr")),
)
EMOJI = ("🙂", "🚀", "👍🏽", "🎉", "💚", "🐈")


class Generator:
    """Make payloads, each kind a method that its name in ``KINDS`` stands for."""

    def __init__(self, texts: Texts, seed: int) -> None:
        self.texts = texts
        self.random = random.Random(seed)

    def text(self, language: str | None = None) -> str:
        """Return some sentences of a language, plain or as JSON."""
        language = language or self.random.choice(sorted(self.texts))
        pieces = []
        for _ in range(self.random.randint(1, 4)):
            words = self.random.choice(self.texts[language]).split(" ")
            if self.random.random() < 0.5 and len(words) > 4:
                at = self.random.randrange(len(words) - 3)
                words = words[at : at + self.random.randint(3, len(words))]
            pieces.append(" ".join(words))
        text = " ".join(pieces)
        if self.random.random() < 0.5:
            value = {"type": "message", "id": self.random.randrange(10**6), "text": text}
            return json.dumps(value, ensure_ascii=False)
        return text

    def beyond_ascii(self, language: str | None = None) -> str:
        while True:
            text = self.text(language)
            if not text.isascii():
                return text

    def value(self) -> dict[str, object]:
        """Return what an application would serialize."""
        return {
            "id": self.random.randrange(2**40),
            "kind": self.random.choice(("tick", "order", "position")),
            "values": [self.random.uniform(-1e3, 1e3) for _ in range(self.random.randint(1, 9))],
            "text": self.text(),
            "ok": self.random.random() < 0.5,
            "small": self.random.randint(-40, 40),
        }

    # One method a kind.

    def legacy_charset(self) -> bytes:
        language, charset = self.random.choice(CHARSETS)
        while True:
            encoded = self.text(language).encode(charset, "ignore")
            if not _is_utf8(encoded):
                return encoded

    def utf16(self) -> bytes:
        codec = self.random.choice(("utf-16", "utf-16-le", "utf-16-be"))
        return self.text().encode(codec)

    def utf32(self) -> bytes:
        codec = self.random.choice(("utf-32", "utf-32-le", "utf-32-be"))
        return self.text().encode(codec)

    def with_emoji(self) -> str:
        text = self.text()
        for _ in range(self.random.randint(1, 3)):
            at = self.random.randint(0, len(text))
            text = text[:at] + self.random.choice(EMOJI) + text[at:]
        return text

    def cesu8(self) -> bytes:
        return _through_utf16(self.with_emoji()).encode("utf-8", "surrogatepass")

    def modified_utf8(self) -> bytes:
        text = self.text() + "\0" + self.with_emoji()
        return _through_utf16(text).encode("utf-8", "surrogatepass").replace(b"\0", b"\xc0\x80")

    def lone_surrogate(self) -> bytes:
        """Cut a JavaScript string, which is UTF-16, between the halves of a character."""
        units = _through_utf16(self.with_emoji())
        halves = [m.start() for m in re.finditer("[\ud800-\udbff]", units)]
        at = self.random.choice(halves) + 1
        units = units[:at] if self.random.random() < 0.5 else units[at:]
        encoded = units.encode("utf-16", "surrogatepass")
        return encoded.decode("utf-16", "surrogatepass").encode("utf-8", "surrogatepass")

    def cut(self) -> bytes:
        while True:
            encoded = self.beyond_ascii().encode()
            first, last = sorted(self.random.sample(range(len(encoded) + 1), 2))
            piece = encoded[first:last] if self.random.random() < 0.5 else encoded[:last]
            if len(piece) >= 8 and not _is_utf8(piece):
                return piece

    def double_encoded(self) -> bytes:
        while True:
            encoded = self.beyond_ascii().encode()
            charset = self.random.choice(("cp1252", "latin-1"))
            try:
                return encoded.decode(charset).encode()
            except UnicodeDecodeError:
                continue

    def masked(self) -> bytes:
        while True:
            key = self.random.randbytes(4)
            encoded = self.text().encode()[:2000]
            out = bytes(byte ^ key[i % 4] for i, byte in enumerate(encoded))
            if len(encoded) >= 32 and not _is_utf8(out):
                return out

    def compressed_message(self) -> bytes:
        while True:
            deflater = zlib.compressobj(6, zlib.DEFLATED, -self.random.choice((9, 12, 15)))
            out = deflater.compress(self.text().encode()) + deflater.flush(zlib.Z_SYNC_FLUSH)
            if not _is_utf8(out[:-4]):
                return out[:-4]

    def gzip(self) -> bytes:
        deflater = zlib.compressobj(wbits=31)
        return deflater.compress(self.text().encode()) + deflater.flush()

    def zlib(self) -> bytes:
        level = self.random.randint(1, 9)
        return zlib.compress(self.text().encode(), level)

    def png(self) -> bytes:
        def chunk(kind: bytes, data: bytes) -> bytes:
            check = zlib.crc32(kind + data)
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

        size = self.random.randint(1, 40)
        rows = b"".join(b"\0" + self.random.randbytes(3 * size) for _ in range(size))
        header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
        body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
        return b"\x89PNG\r\n\x1a\n" + body

    def jpeg(self) -> bytes:
        head = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\1\0\0\1\0\1\0\0"
        return head + b"\xff\xdb\0\x43\0" + self.random.randbytes(64) + b"\xff\xd9"

    def pdf(self) -> bytes:
        stream = zlib.compress(self.text().encode())
        head = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Filter/FlateDecode>>\nstream\n"
        return head + stream + b"\nendstream\nendobj\n"

    def protobuf(self) -> bytes:
        """Write messages by hand, as protoc's code would, because that needs no schema."""
        while True:
            fields = [_varint_field(1, self.random.randrange(2**40))]
            fields.append(_bytes_field(2, self.text().encode()))
            for _ in range(self.random.randint(0, 6)):
                fields.append(b"\x19" + struct.pack("<d", self.random.uniform(-1e3, 1e3)))
            inner = _varint_field(1, self.random.randrange(300)) + _bytes_field(2, b"EUR")
            fields.append(_bytes_field(4, inner))
            fields.append(_varint_field(5, self.random.randrange(2)))
            out = b"".join(fields[: self.random.randint(2, len(fields))])
            if not _is_utf8(out):
                return out

    def msgpack(self) -> bytes:
        value: object = self.value()
        return bytes(msgpack.packb(value if self.random.random() < 0.7 else [1, value, "x"]))

    def cbor(self) -> bytes:
        value: object = self.value()
        return bytes(cbor2.dumps(value if self.random.random() < 0.7 else [1, value, "x"]))

    # What has none of these origins.

    def valid(self) -> bytes:
        return (self.with_emoji() if self.random.random() < 0.3 else self.text()).encode()

    def noise(self) -> bytes:
        while True:
            data = self.random.randbytes(self.random.randint(12, 800))
            if not _is_utf8(data):
                return data

    def damaged(self) -> bytes:
        """Flip some bits of a text in UTF-8."""
        while True:
            data = bytearray(self.beyond_ascii().encode())
            for _ in range(self.random.randint(1, 4)):
                data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
            if not _is_utf8(bytes(data)):
                return bytes(data)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _through_utf16(text: str) -> str:
    """Return the text with each character beyond U+FFFF as two surrogates."""
    return "".join(
        "".join(map(chr, struct.unpack(">2H", c.encode("utf-16-be")))) if c > "\uffff" else c
        for c in text
    )


def _varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes((value & 0x7F | 0x80,))
        value >>= 7
    return out + bytes((value,))


def _varint_field(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _bytes_field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


# Kinds by the names of their origins, then what must not be given one.
KINDS: dict[str, Callable[[Generator], bytes]] = {
    "LEGACY_CHARSET": Generator.legacy_charset,
    "UTF16": Generator.utf16,
    "UTF32": Generator.utf32,
    "CESU8": Generator.cesu8,
    "MODIFIED_UTF8": Generator.modified_utf8,
    "LONE_SURROGATE": Generator.lone_surrogate,
    "CUT": Generator.cut,
    "DOUBLE_ENCODED": Generator.double_encoded,
    "MASKED": Generator.masked,
    "COMPRESSED_MESSAGE": Generator.compressed_message,
    "GZIP": Generator.gzip,
    "ZLIB": Generator.zlib,
    "PNG": Generator.png,
    "JPEG": Generator.jpeg,
    "PDF": Generator.pdf,
    "PROTOBUF": Generator.protobuf,
    "MSGPACK": Generator.msgpack,
    "CBOR": Generator.cbor,
}
NEGATIVES: dict[str, tuple[str, Callable[[Generator], bytes]]] = {
    "valid UTF-8": ("UTF8", Generator.valid),
    "random bytes": ("UNKNOWN", Generator.noise),
    "damaged UTF-8": ("UNKNOWN", Generator.damaged),
}
