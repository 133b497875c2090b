#pragma once
#include <cstddef>

#include "kernels/conv.h"
#include "kernels/cpu/cpu.h"

namespace snag {

// The two gathering passes of the trilinear form as one problem. Each position of a grid sees a window of the input,
// and the window's elements times a matrix give `groups` x `groups` output pixels:
//   ConvDown  the window is kernel x kernel big pixels; it gives one small pixel.
//   ConvUp    the window is J x J small pixels, J = ceil(kernel / stride); it gives stride x stride big pixels, as all
//   of
//             them, each with taps of its own residue, see the same small pixels.
// Both axes are alike.
struct WindowAxis {
  int in, window, step, origin, positions;  // position p sees input p*step + origin .. + window
  int out, out_step, out_origin, groups;    // and gives output p*out_step + out_origin .. + groups
};

// Positions that see the same part of their windows inside the input, and give the same part of their groups: rows of
// one product that skips the padding.
struct Stretch {
  int begin, end;              // positions
  int low, high;               // the part of the window that is read
  int first_group, end_group;  // the part of the groups that is written
};

struct Stretches {
  Stretch* data;
  int count;
};
// `whole`: one stretch for each group, of all positions that write it; they then read padding as zeros.
Stretches stretches(Scratch&, const WindowAxis&, bool whole);

struct WindowProblem {
  const real* in;
  real* out;
  int images, in_channels, out_channels;
  WindowAxis y, x;
  bool pointwise;  // pixels that see no neighbours: one long line, with no padding

  int window() const { return y.window * x.window * in_channels; }  // elements
  int groups() const { return y.groups * x.groups; }
  int columns() const { return groups() * out_channels; }
  int rows() const { return images * y.positions * x.positions; }
};

WindowProblem window_problem(const ConvDown&);
WindowProblem window_problem(const ConvUp&);

}  // namespace snag
