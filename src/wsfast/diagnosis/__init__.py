"""Where bytes that should be UTF-8 came from; the entry point is ``diagnose``.

    _diagnose    asks the detectors in turn, and returns what they found
    _finding     the origins, and what detectors take and return
    _language    does this read like text?
    _likelihood  how likely is this as text of a language?
    _weighing    charsets, a cut and damage, weighed against each other
    _unicode     UTF-16, UTF-32, CESU-8, modified UTF-8, surrogates, double encoding
    _charset     UTF-8 mixed with Latin-1, and the charsets that charset-normalizer knows
    _binary      images, archives, protobuf, msgpack, CBOR
    _wire        still masked, still compressed

Each detector takes a ``Sample`` and returns a ``Finding`` or ``None``.

Invariant: a detector never raises for any bytes and never quotes the payload.
"""

from ._diagnose import MAX_SAMPLE as MAX_SAMPLE
from ._diagnose import Diagnosis, diagnose
from ._diagnose import diagnose_part as diagnose_part
from ._finding import Candidate, Origin

__all__ = ["Candidate", "Diagnosis", "Origin", "diagnose"]
