#pragma once
// The wide forms of kernels bound by memory: elements i .. i + 3 at once, i a multiple of four, by accesses of 16
// bytes.
//
//   WideElements<K> e;   four elements on their way
//   e.load(k, i)         reads
//   e.value(k)           computes; apart, as no load may pass a store
#include <utility>

#include "kernels/cuda/bf16.cuh"
#include "kernels/cuda/fours.cuh"
#include "kernels/cuda/portable.cuh"

namespace snag {

// Members of a kernel: the output, the inputs.
template <auto Y, auto... X>
struct Operands {};

// The operands of kernels that have a wide form.
template <class K>
struct WideOperands;
// Element i of the output is the kernel's value_of the inputs' elements i.
template <>
struct WideOperands<Fill> : Operands<&Fill::y> {};
template <>
struct WideOperands<Add> : Operands<&Add::y, &Add::a, &Add::b> {};
template <>
struct WideOperands<Mul> : Operands<&Mul::y, &Mul::a, &Mul::b> {};
template <>
struct WideOperands<Affine> : Operands<&Affine::y, &Affine::x> {};
template <>
struct WideOperands<AbsDiff> : Operands<&AbsDiff::y, &AbsDiff::a, &AbsDiff::b> {};
template <>
struct WideOperands<AbsDiffGrad> : Operands<&AbsDiffGrad::da, &AbsDiffGrad::a, &AbsDiffGrad::b, &AbsDiffGrad::dy> {};
template <>
struct WideOperands<LeakyRelu> : Operands<&LeakyRelu::y, &LeakyRelu::x> {};
template <>
struct WideOperands<LeakyReluGrad> : Operands<&LeakyReluGrad::dx, &LeakyReluGrad::x, &LeakyReluGrad::dy> {};
template <>
struct WideOperands<Tanh> : Operands<&Tanh::y, &Tanh::x> {};
template <>
struct WideOperands<TanhGrad> : Operands<&TanhGrad::dx, &TanhGrad::y, &TanhGrad::dy> {};
template <>
struct WideOperands<Clamp> : Operands<&Clamp::y, &Clamp::x> {};
template <>
struct WideOperands<ClampGrad> : Operands<&ClampGrad::dx, &ClampGrad::x, &ClampGrad::dy> {};
// They move elements: those with a source().
template <>
struct WideOperands<ConcatChannels> : Operands<&ConcatChannels::y, &ConcatChannels::a, &ConcatChannels::b> {};
template <>
struct WideOperands<SliceChannels> : Operands<&SliceChannels::y, &SliceChannels::x> {};
template <>
struct WideOperands<PadChannels> : Operands<&PadChannels::y, &PadChannels::x> {};
template <>
struct WideOperands<ConcatImages> : Operands<&ConcatImages::y, &ConcatImages::a, &ConcatImages::b> {};

template <class K>
concept Wide = requires {
  sizeof(WideOperands<K>);
};
template <class K>
concept Moves = requires(const K& k) {
  k.source(0);
  k.moves_fours();
};

template <class K>
struct WideElements {
  float4 x[3];  // of each input
  __device__ void load(const K& k, int i) { load(k, i, WideOperands<K>{}, inputs(WideOperands<K>{})); }
  __device__ float4 value(const K& k) const { return value(k, inputs(WideOperands<K>{})); }

 private:
  template <auto Y, auto... X>
  HD static auto inputs(Operands<Y, X...>) {
    return std::index_sequence_for<decltype(X)...>{};
  }
  template <auto Y, auto... X, std::size_t... I>
  __device__ void load(const K& k, [[maybe_unused]] int i, Operands<Y, X...>, std::index_sequence<I...>) {
    ((x[I] = four((k.*X).data, i)), ...);
  }
  template <std::size_t... I>
  __device__ float4 value(const K& k, std::index_sequence<I...>) const {
    return {k.value_of(x[I].x...), k.value_of(x[I].y...), k.value_of(x[I].z...), k.value_of(x[I].w...)};
  }
};

template <Moves K>
struct WideElements<K> {
  float4 x;
  __device__ void load(const K& k, int i) {
    const float* const from = k.source(i);
    x = from ? four(from, 0) : make_float4(0, 0, 0, 0);
  }
  __device__ float4 value(const K&) const { return x; }
};

template <class K, auto Y, auto... X>
HD View output_of(const K& k, Operands<Y, X...>) {
  return k.*Y;
}

// May four elements be read and written at once?
template <Wide K>
bool goes_wide(const K& k) {
  if constexpr (Moves<K>)
    if (!k.moves_fours()) return false;
  return [&]<auto Y, auto... X>(Operands<Y, X...>) { return aligned((k.*Y).data, (k.*X).data...); }
  (WideOperands<K>{});
}

template <Wide K>
struct WideMap {
  static constexpr int threads = kPortableBlock, resident = 1;
  static constexpr int fours = 2, elements = 4 * fours;  // a thread
  K k;
  Grid grid;
  Bf16Copy also{};
  // As bf16 whole fours of it are kept.
  HD View output() const {
    const View y = output_of(k, WideOperands<K>{});
    return {y.data, {.c = y.shape.size() / 4 * 4}};
  }
  __device__ void run(Place at) const {
    const int size = k.size(), first = at.x * threads * elements + 4 * static_cast<int>(threadIdx.x);
    WideElements<K> x[fours];
    UNROLL
    for (int j = 0; j < fours; ++j)
      if (const int i = first + 4 * j * threads; i + 3 < size) x[j].load(k, i);
    UNROLL
    for (int j = 0; j < fours; ++j) {
      const int i = first + 4 * j * threads;
      if (i + 3 < size)
        store_four(output().data, also, i, x[j].value(k));
      else
        for (int last = i; last < size; ++last) k(last);
    }
  }
};

// Of smaller ones the elements are spread over more threads.
constexpr int kLeastWide = 1 << 16;

template <Wide K>
void launch(Cuda& cuda, const K& k) {
  if (k.size() < kLeastWide || !goes_wide(k)) return launch_portable(cuda, k);
  constexpr int elements = WideMap<K>::threads * WideMap<K>::elements;
  run(cuda, WideMap<K>{.k = k, .grid = {ceil_div(k.size(), elements)}});
}

}  // namespace snag
