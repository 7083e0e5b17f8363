"""How octets that should be UTF-8 came to be what they are: one module a family of origins.

    language   does this read like text?
    likelihood how likely is it as text of a language?
    weighing   charsets, a cut and damage, weighed against each other
    unicode    UTF-16, UTF-32, CESU-8, modified UTF-8, surrogates, double encoding
    charset    text mixed of two charsets, and what charset-normalizer knows
    binary     images, archives, protobuf, msgpack, CBOR
    wire       still masked, still compressed

Each detector takes a ``Sample`` and returns a ``Finding`` or ``None``.

Invariant: a detector never raises for any octets and never quotes the payload.
"""
