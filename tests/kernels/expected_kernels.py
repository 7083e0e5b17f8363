"""What each kernel must show: on which CPU it is chosen, and which loops keep their vectors.

`test_c_kernels.py` and the session `cpus` of `noxfile.py` read it.
"""

from __future__ import annotations

# emulator, CPU model (None: its default), compiler (None: the native one), kernel
EMULATED = [
    ("qemu-x86_64-static", "qemu64", None, "scalar"),
    ("qemu-x86_64-static", "Nehalem", None, "ssse3"),
    ("qemu-x86_64-static", "Haswell", None, "avx2"),
    ("qemu-aarch64-static", None, "aarch64-linux-gnu-gcc", "scalar"),
    ("qemu-aarch64-static", None, "aarch64-linux-gnu-gcc", "neon"),
    ("qemu-s390x-static", None, "s390x-linux-gnu-gcc", "scalar"),
]

# Kernel, source, functions whose loops decide the speed, registers they must use.
# No x86-64 machine code may call anything from within such a loop.
HOT_LOOPS = [
    ("ssse3", "mask_ssse3.c", ["wsf_mask_ssse3"], "xmm"),
    ("avx2", "mask_avx2.c", ["wsf_mask_avx2"], "ymm"),
    ("ssse3", "utf8_ssse3.c", ["validate_long", "mask_validate_long"], "xmm"),
    ("avx2", "utf8_avx2.c", ["validate_long", "mask_validate_long"], "ymm"),
    ("avx512", "utf8_avx512.c", ["validate_long", "mask_validate_long"], "zmm"),
    ("ssse3", "transcode_ssse3.c", ["wsf_to_ucs2_ssse3", "wsf_to_ucs4_ssse3"], "xmm"),
    ("avx512", "transcode_avx512.c", ["wsf_to_ucs2_avx512", "wsf_to_ucs4_avx512"], "zmm"),
    ("avx512", "encode_avx512.c", ["wsf_from_ucs2_avx512", "wsf_from_ucs4_avx512"], "zmm"),
]
