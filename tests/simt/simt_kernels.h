#pragma once
#include <cuda_runtime.h>

#include <cstddef>

// Small kernels whose results are known, for the tests beside this file. Pointers are device addresses.
namespace snag::kernels {

void add(float* y, float amount, int size, cudaStream_t stream);  // y[i] += amount
void nothing(dim3 grid, dim3 block, std::size_t bytes, cudaStream_t stream);
void divergent_barrier(cudaStream_t stream);

// order[0] is the number of entries (0 before); then each thread appends its number, once, then once more after a
// barrier.
void record_order(int* order, int blocks, int threads, cudaStream_t stream);
void read_unwritten_shared(unsigned* out, cudaStream_t stream);            // two blocks: static, dynamic
void index_in_grid(int* out, dim3 grid, dim3 block, cudaStream_t stream);  // out[n] = n, from blockIdx and threadIdx

// 64 threads of which the first `voters` vote: out[3 * t] count, and, or.
void block_votes(int* out, int voters, cudaStream_t stream);
// 32 lanes; out[8 * lane]: shfl 5 | shfl 5 of 16 | up 3 | down 3 | xor 6 | down 3 of 8 | ballot of odd lanes | all, any
void warp_operations(int* out, cudaStream_t stream);

void multiply_tf32(const float* a, const float* b, float* d, cudaStream_t stream);  // a [16,8], b [8,8], d [16,8]
// a [16,16], b [16,8], d [16,8]; fragments are packed by hand, or come through shared memory by ldmatrix.
void multiply_bf16(const float* a, const float* b, float* d, bool through_ldmatrix, cudaStream_t stream);
// a [64,k], b [columns,k], d [64,columns] += a b^T, by a warpgroup; 64 or 128 columns. k = 32, in TF32; k = 64, in
// bf16, where operands may lie across.
void multiply_in_warpgroup(const float* a, const float* b, float* d, int columns, cudaStream_t stream);
void multiply_bf16_in_warpgroup(const float* a, const float* b, float* d, int columns, bool across_a, bool across_b,
                                cudaStream_t stream);
void load_matrices(const unsigned short* x, unsigned* out, cudaStream_t stream);  // x [32,8]; out [32 lanes][12]
void convert(const float* x, unsigned* tf32, unsigned* bf16_and_one, int size, cudaStream_t stream);

// 32 threads copy 4 floats each, the first `valid` of them truly: y [32,4]
void copy_16(const float* x, float* y, int valid, cudaStream_t stream);
// 1 thread, three groups of one copy_4 each: y[3 * i] is what the three hold after cp_async_wait<2 - i>
void copy_groups(const float* x, float* y, cudaStream_t stream);

}  // namespace snag::kernels
