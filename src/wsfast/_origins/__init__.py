"""How octets that should be UTF-8 came to be what they are: one module a family of origins.

    language   does this read like text?
    unicode    UTF-16, UTF-32, CESU-8, modified UTF-8, surrogates, cuts, double encoding
    charset    8-bit and East Asian charsets
    binary     images, archives, protobuf, msgpack, CBOR
    wire       still masked, still compressed

Each detector takes a ``Sample`` and returns a ``Finding`` or ``None``.

Invariant: a detector never raises for any octets and never quotes the payload.
"""
