"""Numbers that bound what is received, kept and sent, for both twins.

Invariant: imports nothing of ours.
"""

from __future__ import annotations

MAX_OFFSET = 2**63 - 1  # the longest payload that a frame can have (RFC 6455 section 5.2)
UNLIMITED = 2**63 - 1
DEFAULT_MESSAGE_SIZE = 2**20
FRAGMENT_CHARGE = 16  # bytes of max_retained that each fragment costs, however short
RETAINED_SLACK = 2**25  # bytes of max_retained beyond twice the message's limit
MAX_REASON = 123  # bytes: a control frame's 125 less 2 of code (RFC 6455 section 5.5)
MAX_CONTEXT = 16  # bytes kept from before an ill-formed sequence
