// The kernels whose time is that of their traffic.
#include "bench/cases.h"

namespace snag::bench {
namespace {

constexpr int kImageSide = 32, kDataSet = 4096;  // images that are gathered from
const Operand kZero{{}, Filled::zero};

Shape image(int batch) { return {batch, 1, kImageSide, kImageSide}; }
Shape map(int batch, int width) { return {batch, width, 16, 16}; }
Shape judged(int batch) { return {batch, 1, 2, 2}; }
Shape patches(int batch) { return {batch, 1, 3, 3}; }  // 16x16 every 8 pixels

// Adds cases of one batch, named after the shape at hand.
struct Adder {
  std::vector<Case>& to;
  int batch;
  void operator()(const char* kernel, Shape named, std::vector<Operand> operands,
                  std::function<Kernel(const Views&)> build) const {
    add_case(to, {.kernel = kernel,
                  .what = map_name(named),
                  .batch = batch,
                  .operands = std::move(operands),
                  .build = std::move(build)});
  }
};

Counter counter(View v) { return {reinterpret_cast<std::int32_t*>(v.data)}; }

void add_judgements(std::vector<Case>& to, int batch) {
  const Adder add{to, batch};
  const Shape both{2 * batch, 1, 2, 2};
  const Targets targets{.value = {1, 0}, .parts = 2};
  add("LeastSquaresWithLogits", both, {{{}}, {both}},
      [=](const Views& v) { return LeastSquaresWithLogits{.y = v[0], .x = v[1], .targets = targets}; });
  add("LeastSquaresWithLogitsGrad", both, {{both}, {both}, {{}}}, [=](const Views& v) {
    return LeastSquaresWithLogitsGrad{.dx = v[0], .x = v[1], .dy = v[2], .targets = targets};
  });
}

}  // namespace

void add_reductions(std::vector<Case>& to, int batch, int width) {
  const Adder add{to, batch};
  const Shape x = image(batch), p = patches(batch), m = map(batch, width), j = judged(batch);
  const Shape each{.n = batch}, channels{.c = width}, hidden{.n = batch, .c = 32 * width};
  add("Sum", j, {{{}}, {j}}, [](const Views& v) { return Sum{.y = v[0], .x = v[1], .scale = 1}; });
  add("Broadcast", j, {{j}, {{}}}, [](const Views& v) { return Broadcast{.y = v[0], .x = v[1], .scale = 1}; });
  add("ImageMean", x, {{each}, {x}}, [](const Views& v) { return ImageMean{.y = v[0], .x = v[1]}; });
  add("ImageSpread", x, {{x}, {each}}, [](const Views& v) { return ImageSpread{.y = v[0], .x = v[1]}; });
  add("ChannelSum", m, {{channels}, {m}}, [](const Views& v) { return ChannelSum{.y = v[0], .x = v[1]}; });
  add("ChannelSpread", m, {{m}, {channels}}, [](const Views& v) { return ChannelSpread{.y = v[0], .x = v[1]}; });
  add("AddBias", hidden, {{hidden}, {hidden}, {{.c = hidden.c}}},
      [](const Views& v) { return AddBias{.y = v[0], .x = v[1], .b = v[2]}; });
  add("PatchMean", x, {{p}, {x}},
      [](const Views& v) { return PatchMean{.y = v[0], .x = v[1], .patch = 16, .stride = 8}; });
  add("PatchMeanGrad", x, {{x}, {p}},
      [](const Views& v) { return PatchMeanGrad{.dx = v[0], .dy = v[1], .patch = 16, .stride = 8}; });
  add("TopMean", p, {{each}, {p}}, [](const Views& v) { return TopMean{.y = v[0], .x = v[1], .count = 3}; });
  add("TopMeanGrad", p, {{p}, {p}, {each}},
      [](const Views& v) { return TopMeanGrad{.dx = v[0], .x = v[1], .dy = v[2], .count = 3}; });
}

void add_elementwise(std::vector<Case>& to, int batch, int width) {
  const Adder add{to, batch};
  const Shape x = image(batch), m = map(batch, width), j = judged(batch), deep{batch, 4 * width, 4, 4};
  constexpr real slope = real(0.2), range = 4;
  add("Fill", m, {{m}}, [](const Views& v) { return Fill{.y = v[0], .value = 1}; });
  add("Add", m, {{m}, {m}, {m}}, [](const Views& v) { return Add{.y = v[0], .a = v[1], .b = v[2]}; });
  add("Mul", x, {{x}, {x}, {x}}, [](const Views& v) { return Mul{.y = v[0], .a = v[1], .b = v[2]}; });
  add("Affine", x, {{x}, {x}}, [](const Views& v) { return Affine{.y = v[0], .x = v[1], .scale = 2, .shift = 1}; });
  add("AbsDiff", x, {{x}, {x}, {x}}, [](const Views& v) { return AbsDiff{.y = v[0], .a = v[1], .b = v[2]}; });
  add("AbsDiffGrad", x, {{x}, {x}, {x}, {x}},
      [](const Views& v) { return AbsDiffGrad{.da = v[0], .a = v[1], .b = v[2], .dy = v[3]}; });
  add("LeakyRelu", m, {{m}, {m}}, [](const Views& v) { return LeakyRelu{.y = v[0], .x = v[1], .slope = slope}; });
  add("LeakyReluGrad", m, {{m}, {m}, {m}},
      [](const Views& v) { return LeakyReluGrad{.dx = v[0], .x = v[1], .dy = v[2], .slope = slope}; });
  add("Tanh", x, {{x}, {x}}, [](const Views& v) { return Tanh{.y = v[0], .x = v[1], .range = range}; });
  add("TanhGrad", x, {{x}, {x}, {x}},
      [](const Views& v) { return TanhGrad{.dx = v[0], .y = v[1], .dy = v[2], .range = range}; });
  add("Power", j, {{j}, {j, Filled::positive}},
      [](const Views& v) { return Power{.y = v[0], .x = v[1], .exponent = real(-0.5)}; });
  add("Sigmoid", j, {{j}, {j}}, [](const Views& v) { return Sigmoid{.y = v[0], .x = v[1]}; });
  add("SigmoidGrad", j, {{j}, {j}, {j}}, [](const Views& v) { return SigmoidGrad{.dx = v[0], .y = v[1], .dy = v[2]}; });
  add("Clamp", x, {{x}, {x}},
      [](const Views& v) { return Clamp{.y = v[0], .x = v[1], .low = real(-0.5), .high = real(0.5)}; });
  add("ClampGrad", x, {{x}, {x}, {x}}, [](const Views& v) {
    return ClampGrad{.dx = v[0], .x = v[1], .dy = v[2], .low = real(-0.5), .high = real(0.5)};
  });
  add("Dropout", deep, {{deep}, {deep}, kZero}, [](const Views& v) {
    return Dropout{.y = v[0], .x = v[1], .step = counter(v[2]), .p = real(0.5), .layer = 0, .seed = 1};
  });
}

void add_movement(std::vector<Case>& to, int batch, int width) {
  const Adder add{to, batch};
  const Shape m = map(batch, width), both = map(batch, 2 * width), x = image(batch);
  const Shape some{batch > 1 ? batch / 2 : 1, 1, kImageSide, kImageSide};
  add("ConcatChannels", both, {{both}, {m}, {m}},
      [](const Views& v) { return ConcatChannels{.y = v[0], .a = v[1], .b = v[2]}; });
  add("SliceChannels", both, {{m}, {both}},
      [width](const Views& v) { return SliceChannels{.y = v[0], .x = v[1], .begin = width}; });
  to.back().bytes = 8.0 * m.size();  // half of the channels are read
  add("PadChannels", both, {{both}, {m}},
      [width](const Views& v) { return PadChannels{.y = v[0], .x = v[1], .begin = width}; });
  add("AddAll", x, {{x}, {x}, {some}}, [](const Views& v) {
    const int all = v[0].shape.size(), part = v[2].shape.size();
    return AddAll{.y = v[0],
                  .addends = {.x = {v[1].data, v[2].data}, .begin = {0, all - part}, .end = {all, all}, .count = 2}};
  });
  add("ConcatImages", x, {{{2 * x.n, x.c, x.h, x.w}}, {x}, {x}},
      [](const Views& v) { return ConcatImages{.y = v[0], .a = v[1], .b = v[2]}; });
  add("QuarterTurn", x, {{x}, {x}}, [](const Views& v) { return QuarterTurn{.y = v[0], .x = v[1], .turns = 1}; });
  constexpr int kWords = kImageSide * kImageSide / 4;  // of one image of bytes
  add("GatherBatch", x, {{x}, {{.n = kDataSet, .c = kWords}}, {{.c = kDataSet}, Filled::order}, kZero},
      [batch](const Views& v) {
        return GatherBatch{.x = v[0],
                           .images = {reinterpret_cast<const std::uint8_t*>(v[1].data), kDataSet, kImageSide},
                           .order = reinterpret_cast<const std::int32_t*>(v[2].data),
                           .step = counter(v[3]),
                           .steps = 1,
                           .stride = batch,
                           .first = 0,
                           .augment = {.flip_horizontal = true, .shift = 1},
                           .seed = 1};
      });
  to.back().bytes = 4.0 * x.size() + batch * kImageSide * kImageSide;
}

void add_losses(std::vector<Case>& to, int batch) {
  const Adder add{to, batch};
  const Shape e{.n = batch};
  const Operand positive{e, Filled::positive};
  add("Abc", e, {{e}, positive}, [](const Views& v) { return Abc{.y = v[0], .l = v[1]}; });
  add("AbcGrad", e, {{e}, positive, {e}}, [](const Views& v) { return AbcGrad{.dl = v[0], .l = v[1], .dy = v[2]}; });
  add("BceWithLogits", e, {{e}, {e}, positive},
      [](const Views& v) { return BceWithLogits{.y = v[0], .x = v[1], .t = v[2]}; });
  add("BceWithLogitsGrad", e, {{e}, {e}, positive, {e}},
      [](const Views& v) { return BceWithLogitsGrad{.dx = v[0], .x = v[1], .t = v[2], .dy = v[3]}; });
  add_judgements(to, batch);
}

void add_optimizer(std::vector<Case>& to, int width) {
  const int parameters = 11'000'000 / 64 * width / 64 * width;  // about what all networks hold
  const Shape all{.c = parameters};
  char what[40];
  std::snprintf(what, sizeof what, "%.1f M parameters", parameters * 1e-6);
  const auto add = [&](const char* kernel, const char* at, std::vector<Operand> operands,
                       std::function<Kernel(const Views&)> build) {
    add_case(to, {.kernel = kernel, .what = at, .operands = std::move(operands), .build = std::move(build)});
  };
  add("Adam", what, {{all}, {all}, {all}, {all, Filled::positive}, {all}, kZero, {{.c = 2}, Filled::order}},
      [](const Views& v) {
        Gradients g;
        g.data[0] = v[4].data;
        g.begin[1] = v[4].shape.size();
        g.count = 1;
        return Adam{.w = v[0],
                    .average = v[1],
                    .m = v[2],
                    .v = v[3],
                    .g = g,
                    .step = counter(v[5]),
                    .updates = Counter{counter(v[6]).data + 1},  // the first
                    .schedule = {},
                    .beta1 = 0.5,
                    .beta2 = 0.999,
                    .eps = 1e-8,
                    .weight_decay = 1e-2,
                    .decay = 0.99};
      });
  to.back().bytes = 36.0 * all.size();  // w, its average, m and v read and written, g read
  add("DrawNormal", what, {{all}},
      [](const Views& v) { return DrawNormal{.y = v[0], .mean = 0, .deviation = 0.02, .sub = 1, .seed = 1}; });
  add("Advance", "1 counter", {kZero}, [](const Views& v) { return Advance{.counter = counter(v[0])}; });
  const Shape losses{.c = 10};
  add("Accumulate", "10 losses", {{losses}, {losses}, {losses}}, [](const Views& v) {
    Entries e;
    for (; e.count < v[2].shape.size(); ++e.count) e.x[e.count] = v[2].data + (e.slot[e.count] = e.count);
    return Accumulate{.total = v[0], .count = v[1], .entries = e};
  });
  const auto weighted = [](View values) {
    Weighted w;
    for (; w.count < values.shape.size(); ++w.count) w.value[w.count] = values.data + w.count, w.weight[w.count] = 2;
    return w;
  };
  const Shape terms{.c = 6};
  add("WeightedSum", "6 losses", {{{}}, {terms}},
      [=](const Views& v) { return WeightedSum{.y = v[0], .terms = weighted(v[1])}; });
  add("WeightEach", "6 losses", {{terms}, {{}}, {terms}},
      [=](const Views& v) { return WeightEach{.y = v[0], .x = v[1], .terms = weighted(v[2])}; });
}

}  // namespace snag::bench
