# Whether classes have changed.  Twin: wsfast/_pure/classes.py.
#
# CPython clears the version of a class when an attribute of it, or of one of its bases, is set;
# the next lookup gives it a new one, which no class has had.

cdef extern from "classes.h":
    uint32_t wsf_class_version(object) noexcept  # 0: it has none

cdef enum:
    MOST_CLASSES = 8


@cython.final
cdef class ClassState:
    cdef tuple classes
    cdef uint32_t versions[MOST_CLASSES]

    def __cinit__(self, *classes):
        cdef Py_ssize_t i
        _arguments.check_classes(classes)
        for i in range(len(classes)):
            if type(classes[i]) is type:  # a metaclass has a say in lookups, and changes too
                classes[i].__init__  # a lookup, so that the class has a version
                self.versions[i] = wsf_class_version(classes[i])
        self.classes = classes

    def is_same(self):
        cdef Py_ssize_t i
        if self.classes is None:  # half made, and found through the garbage collector
            return False
        for i in range(len(self.classes)):
            if not self.versions[i] or wsf_class_version(self.classes[i]) != self.versions[i]:
                return False
        return True
