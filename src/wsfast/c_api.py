"""Where other extensions find wsfast's C API: ``wsfast.h``, and ``c_api.pxd`` beside this."""

from __future__ import annotations

import os


def get_include() -> str:
    """Return the directory of ``wsfast.h``, for ``include_dirs`` of an extension.

    The header documents the C API.  Cython modules use it with
    ``from wsfast.c_api cimport wsfast_import, wsfast_mask``.

    Returns:
        An absolute path.
    """
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "include")
