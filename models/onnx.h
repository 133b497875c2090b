#pragma once
#include <string>

#include "models/detector.h"

namespace snag {

// A detector as ONNX models, for other programs to run. The number of images N is open; h and w are the side that the
// networks were built for. Tensors are float32; weights have the names of weights.safetensors.
//
// metadata_props say what else is needed: model, normal_class, threshold ("score >= threshold is anomalous", of
// summary.json), preprocessing, snag (the version).

// c is 1, or 3 for a detector of colour images. image [N,c,h,w] in 0 .. 255 -> score [N]; where the model makes them,
// too: reconstruction [N,c,h,w], on the image's scale (it may reach beyond 0 .. 255), and heat_map [N,c,h,w] = |image -
// reconstruction|. Throws Error{Exit::usage} for models without networks (knn, pca); Error{Exit::checkpoint} for
// weights of another width.
std::string onnx_scorer(const SavedDetector&);

// The generator alone: x [N,c,h,w] in -1 .. 1 -> y [N,c,h,w]. Throws Error{Exit::usage} for a model without one.
std::string onnx_generator(const SavedDetector&);
bool has_generator(const Config&);

}  // namespace snag
