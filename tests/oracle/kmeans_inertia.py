"""Inertias of scikit-learn's KMeans, one line for each single initialisation (n_init=1, seeds 0 to runs - 1).

Usage: kmeans_inertia.py POINTS DIM K RUNS, where POINTS is a raw file of float32 [n, DIM].
Exits with 77 when scikit-learn is not there.
"""

import sys

try:
    import numpy
    from sklearn.cluster import KMeans
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(77)

path, dim, k, runs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
points = numpy.fromfile(path, dtype=numpy.float32).reshape(-1, dim)
for seed in range(runs):
    # tol=0: until no label changes, as ours
    print(repr(float(KMeans(n_clusters=k, n_init=1, tol=0, random_state=seed).fit(points).inertia_)))
