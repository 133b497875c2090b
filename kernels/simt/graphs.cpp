// Stand-in for the CUDA runtime: graphs.
#include "kernels/simt/graph.h"

struct CUgraphExec_st {
  std::vector<snag::simt::Work> nodes;
};

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
  return enqueue(stream, [executable] {
    for (const Work& node : executable->nodes) node();
  });
}

// As in CUDA: without `nodes`, their number; otherwise at most *count of them.
cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, std::size_t* count) {
  if (!graph || !count) return fail(cudaErrorInvalidValue);
  const std::size_t all = graph->nodes.size();
  if (nodes)
    for (std::size_t i = 0; i < *count; ++i)
      nodes[i] = i < all ? reinterpret_cast<cudaGraphNode_t>(&graph->nodes[i]) : nullptr;
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
