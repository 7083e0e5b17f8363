"""The codec in Cython over the C kernels: one extension, ``core``, and what it is made of."""
