#include "kernels/cuda/reduce.cuh"

#include "kernels/cuda/cuda.h"
#include "kernels/cuda/portable.cuh"

namespace snag {
namespace {

// y[o] = scale * sum of x
struct Plain {
  using Part = Sums<1>;
  float* y;
  const float* x;
  double scale;
  struct Walk {
    const float* x;
    float sum;
    __device__ void add(int i) { sum += x[i]; }
    __device__ Part part() const { return {{sum}}; }
  };
  __device__ Walk walk(int, int) const { return {x, 0}; }
  __device__ void store(int o, const Part& all) const { y[o] = static_cast<float>(scale * all.sum[0]); }
};

struct Squares {
  using Part = Sums<1>;
  LeastSquares k;
  struct Walk {
    const LeastSquares& k;
    float sum;
    __device__ void add(int i) {
      const float d = k.difference(i);
      sum += d * d;
    }
    __device__ Part part() const { return {{sum}}; }
  };
  __device__ Walk walk(int, int) const { return {k, 0}; }
  __device__ void store(int, const Part& all) const { *k.y.data = static_cast<float>(all.sum[0] / k.part()); }
};

// ---- the largest elements of an image: the row in shared memory, which every thread reads to the end

constexpr int kTopBlock = 256;
constexpr int kTopRow = 8192;  // longer rows are left to the portable form: the work is quadratic anyway

__device__ inline void load_row(const float* x, int m, float* to) {
  for (int i = static_cast<int>(threadIdx.x); i < m; i += kTopBlock) to[i] = x[i];
  __syncthreads();
}

__global__ void __launch_bounds__(kTopBlock) top_mean(TopMean k) {
  DYN_SHARED(float, row);
  SHARED(Sums<1>, parts, [kTopBlock]);
  const int m = k.x.shape.image(), n = static_cast<int>(blockIdx.x);
  load_row(k.x.data + n * m, m, row);
  Sums<1> own{};
  for (int i = static_cast<int>(threadIdx.x); i < m; i += kTopBlock)
    if (among_largest(row, m, i, k.count)) own.sum[0] += row[i];
  combine<kTopBlock>(own, parts, 1);
  if (threadIdx.x == 0) k.y.data[n] = static_cast<float>(parts[0].sum[0] / k.count);
}

__global__ void __launch_bounds__(kTopBlock) top_mean_grad(TopMeanGrad k) {
  DYN_SHARED(float, row);
  const int m = k.x.shape.image(), n = static_cast<int>(blockIdx.x);
  load_row(k.x.data + n * m, m, row);
  const float share = k.dy.data[n] / static_cast<float>(k.count);
  for (int i = static_cast<int>(threadIdx.x); i < m; i += kTopBlock)
    k.dx.data[n * m + i] = among_largest(row, m, i, k.count) ? share : 0.0f;
}

template <class K>
void launch_top(const Cuda& cuda, const K& k, void (*kernel)(K)) {
  const Shape s = k.x.shape;
  if (s.image() > kTopRow)
    launch_portable(cuda, k);
  else if (s.n > 0)
    launch(kernel, dim3(static_cast<unsigned>(s.n)), dim3(kTopBlock),
           static_cast<std::size_t>(s.image()) * sizeof(float), cuda.stream, k);
}

}  // namespace

void launch(Cuda& cuda, const Sum& k) { launch_reduce(cuda, Plain{k.y.data, k.x.data, k.scale}, whole(k.x.shape)); }

void launch(Cuda& cuda, const LeastSquares& k) { launch_reduce(cuda, Squares{k}, whole(k.x.shape)); }

void launch(Cuda& cuda, const ImageMean& k) {
  launch_reduce(cuda, Plain{k.y.data, k.x.data, 1.0 / k.x.shape.image()}, per_image(k.x.shape));
}

void launch(Cuda& cuda, const ChannelSum& k) {
  launch_reduce(cuda, Plain{k.y.data, k.x.data, 1}, per_channel(k.x.shape));
}

void launch(Cuda& cuda, const TopMean& k) { launch_top(cuda, k, top_mean); }
void launch(Cuda& cuda, const TopMeanGrad& k) { launch_top(cuda, k, top_mean_grad); }

}  // namespace snag
