/* What the parts of the extension share.
 */
#ifndef WSF_PARTS_H
#define WSF_PARTS_H

#include <Python.h>
#include <stdint.h>

/* Whether nobody can change an object while C code looks at it. */
#ifdef Py_GIL_DISABLED
#  define WSF_HAS_GIL 0
#else
#  define WSF_HAS_GIL 1
#endif

#define WSF_UNLIMITED INT64_MAX

/* From _limits.py; the same for all interpreters. */
static int64_t wsf_fragment_charge, wsf_retained_slack;
static size_t wsf_max_context;

#endif
