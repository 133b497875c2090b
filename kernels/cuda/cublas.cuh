#pragma once
#include <cublas_v2.h>

#include "kernels/cuda/check.h"

namespace snag {

// Throws Error{Exit::device} unless the call succeeded.
inline void check(cublasStatus_t status, std::source_location where = std::source_location::current()) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  device_failure(std::string(cublasGetStatusName(status)) + " (" + cublasGetStatusString(status) + ")",
                 status == CUBLAS_STATUS_ALLOC_FAILED ? hint_for(cudaErrorMemoryAllocation)
                                                      : "set CUBLAS_LOGINFO_DBG=1 to see the call's arguments",
                 where);
}

}  // namespace snag
