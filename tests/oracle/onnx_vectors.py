"""The ONNX project's own test vectors, of all single operators that Snag's ops might express, as records.

Models of an old opset are brought to the form of today's: attributes that became inputs and the reverse, axes counted
from the front, broadcasting as numpy's. Reads Debian's libonnx-testdata through python3-onnx.
"""

import glob
import os
import sys

import numpy

try:
    import onnx
    from onnx import numpy_helper
except ImportError as error:
    sys.exit(f"onnx_vectors.py: {error}: install the Debian package python3-onnx (scripts/test.sh does)")

import records

DATA = "/usr/share/libonnx-testdata/data"
OPS = """Abs Add AveragePool BatchNormalization Clip Concat Conv ConvTranspose Div Dropout Expand Gemm
         GlobalAveragePool GlobalMaxPool LeakyRelu MatMul Mean MeanVarianceNormalization Mul Neg PRelu Pad
         Reciprocal ReduceL1 ReduceMax ReduceMean ReduceMin ReduceSum ReduceSumSquare Relu Sigmoid Slice
         Softplus Split Sqrt Sub Sum Tanh TopK""".split()


def tensor(path):
    proto = onnx.TensorProto()
    with open(path, "rb") as file:
        proto.ParseFromString(file.read())
    return numpy_helper.to_array(proto)


def tensors(folder, role):
    paths = glob.glob(f"{folder}/test_data_set_0/{role}_*.pb")
    return [tensor(p) for p in sorted(paths, key=lambda p: int(p.rsplit("_", 1)[1][:-3]))]


def operands(graph, node, folder):
    """The node's inputs in its own order, None where it leaves one out."""
    values = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    given = [i.name for i in graph.input if i.name not in values]
    values.update(zip(given, tensors(folder, "input")))
    return [values.get(name) for name in node.input]


def integers(x):
    return [int(i) for i in numpy.ravel(x)]


def modern(op, a, x):
    """Attributes and inputs of one node in the form that onnx_ops.cpp reads."""
    rank = x[0].ndim
    if op == "Clip":
        a["min"] = float(x[1]) if len(x) > 1 and x[1] is not None else a.get("min", -numpy.inf)
        a["max"] = float(x[2]) if len(x) > 2 and x[2] is not None else a.get("max", numpy.inf)
        x = x[:1]
    if op.startswith("Reduce"):
        axes = integers(x[1]) if len(x) > 1 else a.get("axes", [])
        if not axes and not a.get("noop_with_empty_axes", 0):
            axes = range(rank)
        a["axes"] = sorted(axis % rank for axis in axes)
        x = x[:1]
    if op == "Slice":
        starts, ends, axes, steps = ([*map(integers, x[1:])] + [None, None])[:4]
        axes = axes if axes is not None else [*range(len(starts))]
        begin, count = [0] * rank, list(x[0].shape)
        for k, axis in enumerate(axes):
            first, last, _ = slice(starts[k], ends[k]).indices(x[0].shape[axis])
            begin[axis], count[axis] = first, max(0, last - first)
        a.update(begin=begin, count=count)
        if steps and set(steps) != {1}:
            a["skip"] = "steps over 1 or back"
        x = x[:1]
    if op == "Split":
        a["axis"] = a.get("axis", 0) % rank
        x = x[:1]
    if op == "Concat":
        a["axis"] %= rank
    if op == "Pad":
        a["pads"] = integers(x[1]) if len(x) > 1 else a["pads"]
        a["value"] = float(x[2]) if len(x) > 2 else a.get("value", 0.0)
        x = x[:1]
    if op in ("Expand", "TopK"):
        x = x[:1]
    if op == "Dropout":
        a["ratio"] = float(x[1]) if len(x) > 1 else a.get("ratio", 0.5)
        a["training"] = int(x[2]) if len(x) > 2 else 0
        x = x[:1]
    if op == "Conv" or op == "ConvTranspose":
        a["kernel_shape"] = list(x[1].shape[2:])
    if op == "PRelu" and x[1].size == x[0].shape[1] != x[0].shape[-1]:  # before opset 7: of the channels
        x[1] = x[1].reshape((-1,) + (1,) * (rank - 2))
    if a.pop("broadcast", 0) and "axis" in a:  # before opset 7: the axis of a where b begins
        x[1] = x[1].reshape(x[1].shape + (1,) * (rank - a.pop("axis") - x[1].ndim))
    return a, x


def attributes(node):
    values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    return {key: v.decode() if isinstance(v, bytes) else v for key, v in values.items() if not hasattr(v, "dims")}


def main():
    models = sorted(m for kind in ("node", "pytorch-converted", "pytorch-operator")
                    for m in glob.glob(f"{DATA}/{kind}/*/model.onnx"))
    if not models:
        sys.exit(f"onnx_vectors.py: no models under {DATA}: install the Debian package libonnx-testdata")
    for path in models:
        graph = onnx.load(path).graph
        if len(graph.node) != 1 or graph.node[0].op_type not in OPS:
            continue
        folder, node = os.path.dirname(path), graph.node[0]
        name, given = "/".join(folder.split("/")[-2:]), attributes(node)
        x, y = operands(graph, node, folder), tensors(folder, "output")
        if y[0].dtype != numpy.float32:  # those of float64 hold uninitialised memory, 1e-310 beside 1e223
            records.write(name, node.op_type, {"skip": f"{y[0].dtype} numbers"}, [], [])
            continue
        given, x = modern(node.op_type, given, x)
        records.write(name, node.op_type, given, x, y)


main()
