#pragma once
#include <cstddef>
#include <functional>
#include <memory>

#include "models/config.h"
#include "models/experiment.h"

namespace snag {

// The device that config.device names; "auto" is the GPU where there is one. Tensors may take config.memory GiB; on a
// GPU, where that is 0, what this run needs is counted beforehand and taken. Throws Error{Exit::device} where there is
// no such device, or where it has too little memory: the message names the need and the largest batch that would fit.
std::unique_ptr<Backend> make_backend(const Config&, const Experiment&);

// The same for work that needs `bytes()` and cannot be done with less.
std::unique_ptr<Backend> make_backend(const Config&, const std::function<std::size_t()>& bytes);

// Bytes that tensors take at most in a run that trains: training, pictures and scores.
std::size_t bytes_needed(const Config&, const Experiment&);

// The largest batch size below config.batch_size with which a run needs at most `bytes`; 0 where there is none.
int largest_batch(const Config&, const Experiment&, std::size_t bytes);

}  // namespace snag
