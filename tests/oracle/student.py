"""Mean and half width of the 95 % confidence interval by scipy for lines of numbers on standard input, one line each.
Exits with 77 when scipy is not there."""

import sys

try:
    import numpy
    from scipy import stats
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(77)

for line in open(sys.argv[1]):
    x = numpy.array([float(v) for v in line.split()])
    low, high = stats.t.interval(0.95, len(x) - 1, loc=numpy.mean(x), scale=stats.sem(x))
    print(repr(float(numpy.mean(x))), repr(float((high - low) / 2)))
