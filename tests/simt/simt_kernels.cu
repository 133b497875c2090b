#include "tests/simt/simt_kernels.h"

#include "kernels/cuda/mma.cuh"
#include "kernels/cuda/warpgroup.cuh"

namespace snag::kernels {
namespace {

constexpr unsigned kAll = 0xffffffffu;

__global__ void __launch_bounds__(256) add_kernel(float* y, float amount, int size) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < size) y[i] += amount;
}

__global__ void __launch_bounds__(1024) nothing_kernel() {}

__global__ void __launch_bounds__(64) divergent_barrier_kernel() {
  if (threadIdx.x < 10) __syncthreads();
}

__global__ void __launch_bounds__(256) record_order_kernel(int* order) {
  const int me = blockIdx.x * blockDim.x + threadIdx.x;
  order[1 + atomicAdd(order, 1)] = me;
  __syncthreads();
  order[1 + atomicAdd(order, 1)] = me;
}

__global__ void __launch_bounds__(1) read_unwritten_shared_kernel(unsigned* out) {
  SHARED(unsigned, fixed, [4]);
  DYN_SHARED(unsigned, dynamic);
  out[2 * blockIdx.x] = fixed[3];
  out[2 * blockIdx.x + 1] = dynamic[3];
  fixed[3] = dynamic[3] = 1;
}

__global__ void __launch_bounds__(256) index_in_grid_kernel(int* out) {
  const dim3 g = gridDim, d = blockDim;
  const int block = (blockIdx.z * g.y + blockIdx.y) * g.x + blockIdx.x;
  const int thread = (threadIdx.z * d.y + threadIdx.y) * d.x + threadIdx.x;
  const int i = block * (d.x * d.y * d.z) + thread;
  out[i] = i;
}

__global__ void __launch_bounds__(64) block_votes_kernel(int* out, int voters) {
  const int t = threadIdx.x, vote = t < voters;
  out[3 * t] = __syncthreads_count(vote);
  out[3 * t + 1] = __syncthreads_and(vote);
  out[3 * t + 2] = __syncthreads_or(vote);
}

__global__ void __launch_bounds__(32) warp_operations_kernel(int* out) {
  const int t = threadIdx.x;
  int* o = out + 8 * t;
  o[0] = __shfl_sync(kAll, t, 5);
  o[1] = __shfl_sync(kAll, t, 5, 16);
  o[2] = __shfl_up_sync(kAll, t, 3);
  o[3] = __shfl_down_sync(kAll, t, 3);
  o[4] = __shfl_xor_sync(kAll, t, 6);
  o[5] = __shfl_down_sync(kAll, t, 3, 8);
  o[6] = static_cast<int>(__ballot_sync(kAll, t & 1));
  o[7] = 8 * __all_sync(kAll, t < 32) + 4 * __all_sync(kAll, t < 31) + 2 * __any_sync(kAll, t == 31) +
         __any_sync(kAll, t > 31);
}

__global__ void __launch_bounds__(32) multiply_tf32_kernel(const float* a, const float* b, float* d) {
  const int g = threadIdx.x / 4, t = threadIdx.x % 4;
  const unsigned fa[4] = {to_tf32(a[g * 8 + t]), to_tf32(a[(g + 8) * 8 + t]), to_tf32(a[g * 8 + t + 4]),
                          to_tf32(a[(g + 8) * 8 + t + 4])};
  const unsigned fb[2] = {to_tf32(b[t * 8 + g]), to_tf32(b[(t + 4) * 8 + g])};
  float fd[4];
  for (int i = 0; i < 4; ++i) fd[i] = d[(g + i / 2 * 8) * 8 + 2 * t + i % 2];
  mma_tf32(fd, fa, fb);
  for (int i = 0; i < 4; ++i) d[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = fd[i];
}

__global__ void __launch_bounds__(32)
    multiply_bf16_kernel(const float* a, const float* b, float* d, bool through_ldmatrix) {
  SHARED(uint4, sa, [16][2]);  // bf16 [16,16], row-major
  SHARED(uint4, sb, [16]);     // bf16 [16,8], row-major
  const int l = threadIdx.x, g = l / 4, t = l % 4;
  auto* wa = reinterpret_cast<unsigned*>(sa);
  auto* wb = reinterpret_cast<unsigned*>(sb);
  for (int i = l; i < 128; i += 32) wa[i] = pack_bf16(a[2 * i], a[2 * i + 1]);
  for (int i = l; i < 64; i += 32) wb[i] = pack_bf16(b[2 * i], b[2 * i + 1]);
  __syncthreads();
  unsigned fa[4], fb[2];
  if (through_ldmatrix) {
    ldmatrix_x4(fa, &sa[l % 16][l / 16]);
    ldmatrix_x2_trans(fb, &sb[l % 16]);
  } else {
    for (int i = 0; i < 4; ++i) fa[i] = wa[(g + i % 2 * 8) * 8 + t + i / 2 * 4];
    for (int i = 0; i < 2; ++i) fb[i] = pack_bf16(b[(2 * t + 8 * i) * 8 + g], b[(2 * t + 8 * i + 1) * 8 + g]);
  }
  float fd[4];
  for (int i = 0; i < 4; ++i) fd[i] = d[(g + i / 2 * 8) * 8 + 2 * t + i % 2];
  mma_bf16(fd, fa, fb);
  for (int i = 0; i < 4; ++i) d[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = fd[i];
}

// K = 32 in TF32, 64 in bf16, where an operand may lie across.
template <int Columns, int K, bool AcrossA = false, bool AcrossB = false>
__global__ void __launch_bounds__(128) multiply_in_warpgroup_kernel(const float* a, const float* b, float* d) {
  DYN_SHARED(float, memory);
  auto* const rows =
      reinterpret_cast<unsigned char*>(memory) + (0 - reinterpret_cast<std::uintptr_t>(memory)) % kSwizzleAlignment;
  const int t = threadIdx.x;
  for (int i = t; i < (64 + Columns) * K; i += 128) {
    const int row = i / K, k = i % K;
    const float x = row < 64 ? a[i] : b[i - 64 * K];
    const int at = (row < 64 ? AcrossA : AcrossB) ? swizzled(row / 64 * K + k, row % 64 * kRowBytes / K)
                                                  : swizzled(row, k * kRowBytes / K);
    if constexpr (K == 32)
      *reinterpret_cast<float*>(rows + at) = x;
    else
      *reinterpret_cast<unsigned short*>(rows + at) = static_cast<unsigned short>(pack_bf16(x, 0));
  }
  fence_for_products();
  __syncthreads();
  const auto column = [&](int i) { return i / 4 * 8 + t % 4 * 2 + i % 2; };
  const auto row = [&](int i) { return t / 32 * 16 + t % 32 / 4 + i / 2 % 2 * 8; };
  float sum[Columns / 2];
  for (int i = 0; i < Columns / 2; ++i) hold_sum(sum[i] = d[row(i) * Columns + column(i)]);
  warpgroup_begin();
  UNROLL
  for (int k = 0; k < K; k += K / 4) {
    const auto moved = [&](bool across) { return across ? k * kRowBytes : k * kRowBytes / K; };
    constexpr int rows_of_a = AcrossA ? K : 0, rows_of_b = AcrossB ? K : 0;
    const SharedMatrix of_a = shared_matrix<rows_of_a>(rows).moved(moved(AcrossA)),
                       of_b = shared_matrix<rows_of_b>(rows + 64 * kRowBytes).moved(moved(AcrossB));
    if constexpr (K == 32)
      warpgroup_tf32(sum, of_a, of_b);
    else
      warpgroup_bf16<AcrossA, AcrossB>(sum, of_a, of_b);
  }
  warpgroup_commit();
  warpgroup_wait<0>();
  for (int i = 0; i < Columns / 2; ++i) hold_sum(sum[i]), d[row(i) * Columns + column(i)] = sum[i];
}

__global__ void __launch_bounds__(32) load_matrices_kernel(const unsigned short* x, unsigned* out) {
  SHARED(uint4, s, [32]);
  const int l = threadIdx.x;
  s[l] = reinterpret_cast<const uint4*>(x)[l];
  __syncthreads();
  unsigned x4[4], x4_trans[4], x2[2], x2_trans[2];
  ldmatrix_x4(x4, &s[l]);
  ldmatrix_x4_trans(x4_trans, &s[l]);
  ldmatrix_x2(x2, &s[l]);
  ldmatrix_x2_trans(x2_trans, &s[l]);
  for (int i = 0; i < 4; ++i) out[12 * l + i] = x4[i];
  for (int i = 0; i < 4; ++i) out[12 * l + 4 + i] = x4_trans[i];
  for (int i = 0; i < 2; ++i) out[12 * l + 8 + i] = x2[i];
  for (int i = 0; i < 2; ++i) out[12 * l + 10 + i] = x2_trans[i];
}

__global__ void __launch_bounds__(32) convert_kernel(const float* x, unsigned* tf32, unsigned* bf16_and_one, int size) {
  const int i = threadIdx.x;
  if (i >= size) return;
  tf32[i] = to_tf32(x[i]);
  bf16_and_one[i] = pack_bf16(x[i], 1.0f);
}

__global__ void __launch_bounds__(32) copy_16_kernel(const float* x, float* y, int valid) {
  SHARED(float4, s, [32]);
  const int t = threadIdx.x;
  cp_async_16(&s[t], x + 4 * t, t < valid);
  cp_async_commit();
  cp_async_wait<0>();
  reinterpret_cast<float4*>(y)[t] = s[t];
}

__global__ void __launch_bounds__(1) copy_groups_kernel(const float* x, float* y) {
  SHARED(float, s, [3]);
  for (int i = 0; i < 3; ++i) s[i] = 0;
  for (int i = 0; i < 3; ++i) {
    cp_async_4(&s[i], x + i, true);
    cp_async_commit();
  }
  cp_async_wait<2>();
  for (int i = 0; i < 3; ++i) y[i] = s[i];
  cp_async_wait<1>();
  for (int i = 0; i < 3; ++i) y[3 + i] = s[i];
  cp_async_wait<0>();
  for (int i = 0; i < 3; ++i) y[6 + i] = s[i];
}

}  // namespace

void add(float* y, float amount, int size, cudaStream_t stream) {
  launch(add_kernel, (size + 255) / 256, 256, 0, stream, y, amount, size);
}
void nothing(dim3 grid, dim3 block, std::size_t bytes, cudaStream_t stream) {
  launch(nothing_kernel, grid, block, bytes, stream);
}
void divergent_barrier(cudaStream_t stream) { launch(divergent_barrier_kernel, 1, 64, 0, stream); }
void record_order(int* order, int blocks, int threads, cudaStream_t stream) {
  launch(record_order_kernel, blocks, threads, 0, stream, order);
}
void read_unwritten_shared(unsigned* out, cudaStream_t stream) {
  launch(read_unwritten_shared_kernel, 2, 1, 16, stream, out);
}
void index_in_grid(int* out, dim3 grid, dim3 block, cudaStream_t stream) {
  launch(index_in_grid_kernel, grid, block, 0, stream, out);
}
void block_votes(int* out, int voters, cudaStream_t stream) {
  launch(block_votes_kernel, 1, 64, 0, stream, out, voters);
}
void warp_operations(int* out, cudaStream_t stream) { launch(warp_operations_kernel, 1, 32, 0, stream, out); }
void multiply_tf32(const float* a, const float* b, float* d, cudaStream_t stream) {
  launch(multiply_tf32_kernel, 1, 32, 0, stream, a, b, d);
}
void multiply_bf16(const float* a, const float* b, float* d, bool through_ldmatrix, cudaStream_t stream) {
  launch(multiply_bf16_kernel, 1, 32, 0, stream, a, b, d, through_ldmatrix);
}
void load_matrices(const unsigned short* x, unsigned* out, cudaStream_t stream) {
  launch(load_matrices_kernel, 1, 32, 0, stream, x, out);
}
void convert(const float* x, unsigned* tf32, unsigned* bf16_and_one, int size, cudaStream_t stream) {
  launch(convert_kernel, 1, 32, 0, stream, x, tf32, bf16_and_one, size);
}
std::size_t bytes_of_product(int columns) {
  return (64 + static_cast<std::size_t>(columns)) * kRowBytes + kSwizzleAlignment;
}
void multiply_in_warpgroup(const float* a, const float* b, float* d, int columns, cudaStream_t stream) {
  launch(columns == 64 ? multiply_in_warpgroup_kernel<64, 32> : multiply_in_warpgroup_kernel<128, 32>, 1, 128,
         bytes_of_product(columns), stream, a, b, d);
}
template <int Columns>
auto bf16_kernel(bool across_a, bool across_b) {
  if (across_a)
    return across_b ? multiply_in_warpgroup_kernel<Columns, 64, true, true>
                    : multiply_in_warpgroup_kernel<Columns, 64, true, false>;
  return across_b ? multiply_in_warpgroup_kernel<Columns, 64, false, true>
                  : multiply_in_warpgroup_kernel<Columns, 64, false, false>;
}
void multiply_bf16_in_warpgroup(const float* a, const float* b, float* d, int columns, bool across_a, bool across_b,
                                cudaStream_t stream) {
  launch(columns == 64 ? bf16_kernel<64>(across_a, across_b) : bf16_kernel<128>(across_a, across_b), 1, 128,
         bytes_of_product(columns), stream, a, b, d);
}
void copy_16(const float* x, float* y, int valid, cudaStream_t stream) {
  launch(copy_16_kernel, 1, 32, 0, stream, x, y, valid);
}
void copy_groups(const float* x, float* y, cudaStream_t stream) { launch(copy_groups_kernel, 1, 1, 0, stream, x, y); }

}  // namespace snag::kernels
