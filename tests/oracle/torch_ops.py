"""Values and gradients of Snag's ops, written with PyTorch in double, as records.

The last input is the cotangent c: the outputs are y and then the gradients of <y, c> in the first inputs, as many as
there are outputs after y. Inputs are exact in float32.
"""

import sys

try:
    import torch
    import torch.nn.functional as F
except ImportError as error:
    sys.exit(f"torch_ops.py: {error}: install the Debian package python3-torch (scripts/test.sh does)")

import records

torch.manual_seed(1)


def normal(*shape):
    return torch.randn(shape).double()


def case(op, f, inputs, attributes={}, differentiable=None):
    wrt = inputs[:differentiable]
    for x in wrt:
        x.requires_grad_()
    y = f(*inputs)
    c = normal(*y.shape)
    gradients = torch.autograd.grad((y * c).sum(), wrt)
    what = " ".join([op, *(str(list(x.shape)) for x in inputs), *(f"{k} {v}" for k, v in attributes.items())])
    records.write(what, op, attributes, [x.detach() for x in [*inputs, c]], [y.detach(), *gradients])


def gradient_penalty(x, w, b, v):
    d = F.conv2d(F.leaky_relu(F.conv2d(x, w, b, 2, 1), 0.2), v)
    (dx,) = torch.autograd.grad(d.sum(), x, create_graph=True)
    return (dx.square().flatten(1).sum(1) - 1).square().mean()


# kernel, stride, pad, N, C, H, W, O
for k, s, p, n, c, h, w, o in [(4, 2, 1, 3, 1, 32, 32, 8), (4, 2, 1, 2, 5, 8, 6, 7), (4, 2, 1, 1, 16, 2, 2, 24),
                               (4, 2, 1, 2, 3, 7, 9, 2), (4, 1, 0, 3, 32, 4, 4, 1), (4, 1, 1, 2, 4, 6, 5, 3),
                               (3, 1, 1, 2, 6, 5, 7, 6), (1, 1, 0, 2, 9, 3, 4, 5), (5, 3, 2, 1, 2, 11, 8, 3)]:
    a = {"kernel": k, "stride": s, "pad": p}
    case("conv_down", lambda x, w: F.conv2d(x, w, stride=s, padding=p), [normal(n, c, h, w), normal(o, c, k, k)], a)
    small = [(e + 2 * p - k) // s + 1 for e in (h, w)]
    more = [e - ((q - 1) * s - 2 * p + k) for e, q in zip((h, w), small)]
    case("conv_up", lambda x, w: F.conv_transpose2d(x, w, stride=s, padding=p, output_padding=more),
         [normal(n, o, *small), normal(o, c, k, k)], {**a, "h": h, "w": w})

for n, c, h, w in [(4, 3, 5, 2), (1, 2, 3, 3), (9, 17, 1, 1), (2, 64, 4, 4)]:
    for slope in (1, 0.2, 0):
        for eps in (1e-5, 0.1):
            a = {"slope": slope, "eps": eps}
            x, gamma, beta, mean, var = normal(n, c, h, w), normal(c), normal(c), normal(c), normal(c).square() + 0.1
            var = var.float().double()
            case("batch_norm", lambda x, g, b: F.leaky_relu(F.batch_norm(x, None, None, g, b, True, eps=eps), slope),
                 [3 * x + 1, gamma, beta], a)
            case("batch_norm_fixed", lambda x, g, b, m, v: F.leaky_relu(F.batch_norm(x, m, v, g, b, eps=eps), slope),
                 [x.detach(), gamma.detach(), beta.detach(), mean, var], a, 3)

x = (2, 3, 4, 5)
case("add_bias", lambda x, b: x + b[:, None, None], [normal(*x), normal(3)])
case("leaky_relu", lambda x: F.leaky_relu(x, 0.2), [normal(*x)], {"slope": 0.2})
case("leaky_relu", F.relu, [normal(*x)], {"slope": 0})
case("tanh", torch.tanh, [normal(*x)], {"range": 1})
case("tanh", lambda x: 3 * torch.tanh(x / 3), [normal(*x)], {"range": 3})
case("power", lambda x: x ** -0.5, [normal(*x).abs() + 0.125], {"exponent": -0.5})
case("sigmoid", torch.sigmoid, [4 * normal(*x)])
case("clamp", lambda x: x.clamp(-0.5, 0.75), [normal(*x)], {"low": -0.5, "high": 0.75})
case("abs_diff", lambda a, b: (a - b).abs(), [normal(*x), normal(*x)])
case("abc", lambda l: -torch.log(1 - torch.exp(-l)), [normal(*x).abs() + 0.125])
case("bce_with_logits", lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction="none"),
     [9 * normal(*x), torch.rand(x).double()], {}, 1)
case("sum", torch.sum, [normal(*x)])
case("mean", torch.mean, [normal(*x)])
case("image_mean", lambda x: x.flatten(1).mean(1)[:, None], [normal(*x)])
case("channel_sum", lambda x: x.sum((0, 2, 3)), [normal(*x)])
case("concat_channels", lambda a, b: torch.cat([a, b], 1), [normal(*x), normal(2, 4, 4, 5)])
case("matmul", torch.matmul, [normal(5, 7), normal(7, 3)])
# at the kinks, where PyTorch and we have conventions
kinks = torch.tensor([[-1.0, -0.5, -0.25, 0, 0.25, 0.5, 0.75]]).double()
case("leaky_relu", lambda x: F.leaky_relu(x, 0.25), [kinks.clone()], {"slope": 0.25})
case("clamp", lambda x: x.clamp(-0.5, 0.75), [kinks.clone()], {"low": -0.5, "high": 0.75})
case("abs_diff", lambda a, b: (a - b).abs(), [kinks.clone(), kinks.abs()])
for patch, stride in [(3, 1), (2, 2), (5, 4), (8, 8)]:
    case("patch_mean", lambda x: F.avg_pool2d(x, patch, stride).mean(1, True), [normal(2, 3, 9, 13)],
         {"patch": patch, "stride": stride})
for count in (1, 7, 60):
    case("top_mean", lambda x: x.flatten(1).topk(count).values.mean(1)[:, None], [normal(*x)], {"count": count})

# the detector's losses
images = [normal(3, 1, 12, 12), normal(3, 1, 12, 12)]
case("top_patches", lambda a, b: F.avg_pool2d((a - b).abs(), 4, 2).flatten(1).topk(5).values.mean(1)[:, None], images,
     {"patch": 4, "stride": 2, "count": 5})
case("abc_loss", lambda a, b: -torch.log(1 - torch.exp(-(a - b).abs().flatten(1).mean(1)))[:, None],
     [i.detach() for i in images])
case("gradient_penalty", gradient_penalty, [normal(3, 2, 6, 6), normal(4, 2, 4, 4), normal(4), normal(1, 4, 3, 3)])
