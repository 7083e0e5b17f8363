"""The codec in Cython over the C kernels: one extension, ``core``, of four sources."""
