"""scikit-learn's figures for vectors of scores, one line for each: AUROC, average precision, the highest F1 of all
thresholds, and F1 and balanced accuracy of "score >= threshold".

Usage: roc.py VECTORS, a raw file of, for each vector: int32 n, float32 threshold, float32 score [n], uint8 anomaly [n].
Exits with 77 when scikit-learn is not there.
"""

import sys

try:
    import numpy
    from sklearn import metrics
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(77)

with open(sys.argv[1], "rb") as file:
    raw = file.read()
place = 0


def take(dtype, count):
    global place
    values = numpy.frombuffer(raw, dtype, count, place)
    place += values.nbytes
    return values


while place < len(raw):
    n, threshold = int(take("<i4", 1)[0]), take("<f4", 1)[0]
    score, anomaly = take("<f4", n), take("u1", n)
    precision, recall, _ = metrics.precision_recall_curve(anomaly, score)
    f1 = 2 * precision * recall / numpy.maximum(precision + recall, 1e-300)
    alarm = score >= threshold
    figures = (
        metrics.roc_auc_score(anomaly, score),
        metrics.average_precision_score(anomaly, score),
        f1.max(),
        metrics.f1_score(anomaly, alarm),
        metrics.balanced_accuracy_score(anomaly, alarm),
    )
    print(*(repr(float(figure)) for figure in figures))
