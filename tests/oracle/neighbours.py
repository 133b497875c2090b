"""scikit-learn's nearest neighbours by standardised distance: latents of known images, those of others, what they score."""

import sys

import numpy

try:
    from sklearn.neighbors import NearestNeighbors
except ImportError as error:
    sys.exit(f"neighbours.py: {error}: install the Debian package python3-sklearn (scripts/test.sh does)")

import records

random = numpy.random.default_rng(3)
for images, values, count in (3, 4, 3), (40, 12, 5), (700, 32, 2):
    spread = numpy.append(numpy.geomspace(0.05, 5, values - 1), 0)  # the last value is always the same
    latent, other = (random.normal(0.3, 1, (n, values)) * spread for n in (images, 9))
    latent, other = latent.astype("f4").astype("f8"), other.astype("f4").astype("f8")
    other[1] = latent[1]
    variance = latent.var(0)
    variance += variance.mean() / 1000
    nearest = NearestNeighbors(n_neighbors=count, algorithm="brute", metric="seuclidean", metric_params={"V": variance})
    distance, _ = nearest.fit(latent).kneighbors(other)
    score = (distance**2 / values).mean(1) / numpy.sqrt((other**2).mean(1))
    records.write(f"{count} of {images}", "neighbours", {"count": count}, [latent, other], [score])
