// Stand-in for the CUDA runtime: graphs.
#include <algorithm>
#include <random>

#include "kernels/simt/graph.h"
#include "kernels/simt/simt.h"

struct CUgraphExec_st {
  std::vector<snag::simt::Node> nodes;
};

namespace snag::simt {
namespace {

// Nodes run one after another, each when those are done that it waits for: the first of them, the last, or any, as
// options().order says.
void run(const std::vector<Node>& nodes) {
  std::vector<std::size_t> left(nodes.size()), ready;
  std::vector<std::vector<std::size_t>> followers(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    left[i] = nodes[i].after.size();
    for (const std::size_t a : nodes[i].after) followers[a].push_back(i);
    if (left[i] == 0) ready.push_back(i);
  }
  std::mt19937_64 bits(options().seed);
  while (!ready.empty()) {
    auto next = std::min_element(ready.begin(), ready.end());
    if (options().order == Order::reverse) next = std::max_element(ready.begin(), ready.end());
    if (options().order == Order::random) next = ready.begin() + static_cast<std::ptrdiff_t>(bits() % ready.size());
    const std::size_t node = *next;
    ready.erase(next);
    nodes[node].work();
    for (const std::size_t f : followers[node])
      if (--left[f] == 0) ready.push_back(f);
  }
}

}  // namespace
}  // namespace snag::simt

using namespace snag::simt;  // the functions below have C linkage and global names

extern "C" {

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  if (!graph) return fail(cudaErrorInvalidValue);
  *executable = new CUgraphExec_st{graph->nodes};
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  if (!executable) return fail(cudaErrorInvalidValue);
  if (capturing(stream))
    if (const cudaError_t error = refuse_while_capturing()) return error;  // a graph in a graph is not modelled
  return enqueue(stream, [executable] { run(executable->nodes); });
}

// As in CUDA: without `nodes`, their number; otherwise at most *count of them.
cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, std::size_t* count) {
  if (!graph || !count) return fail(cudaErrorInvalidValue);
  const std::size_t all = graph->nodes.size();
  if (nodes)
    for (std::size_t i = 0; i < *count; ++i) nodes[i] = i < all ? handle_of(i) : nullptr;
  *count = nodes && *count < all ? *count : all;
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return cudaSuccess;
}

}  // extern "C"
