"""The codec in Python, for where the extension is not: same names, same results."""
