"""Writes records for tests/oracle.cpp: what an oracle was given and what it answered.

A record is a line of tab-separated fields, then the elements of its tensors as float64 in the order of the fields:
    NAME <tab> OP <tab> attribute=value ... <tab> in=2x3x4 ... <tab> out=2x3x4 ...
A value that is a list is comma-separated; a tensor without axes has no extents (in=).
"""

import sys

import numpy


def write(name, op, attributes, inputs, outputs):
    def flat(value):
        return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)

    tensors = [("in", numpy.asarray(t, dtype="<f8")) for t in inputs]
    tensors += [("out", numpy.asarray(t, dtype="<f8")) for t in outputs]
    fields = [name, op] + [f"{key}={flat(value)}" for key, value in attributes.items()]
    fields += [f"{role}={'x'.join(map(str, t.shape))}" for role, t in tensors]
    sys.stdout.buffer.write("\t".join(fields).encode() + b"\n")
    for _, t in tensors:
        sys.stdout.buffer.write(t.tobytes())
