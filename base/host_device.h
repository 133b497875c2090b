#pragma once
// The one macro for functions that run on the host and on the device.
#ifdef __CUDACC__
#define HD __host__ __device__
#else
#define HD
#endif
