// Runs a tree ensemble on rows of 32-bit floats. docs/decisions/51-the-kernel-of-tree-ensembles.md says why it is built like this.
#include "check.h"
#include "codes.h"
#include "masks.h"
#include "slots.h"
#include "sums.h"
#include "symmetric.h"
#include "walk.h"
#include "words.h"

#define EXPORT(name) extern "C" __attribute__((export_name(#name)))

extern "C" u8 __heap_base;

// The first address that neither the stack nor the kernel's own data takes.
EXPORT(free_memory) u32 free_memory() { return (u32)&__heap_base; }

EXPORT(ensemble_bytes) u32 ensemble_bytes() { return sizeof(Ensemble); }

EXPORT(add_words) void add_words(WordSums* result, const u32* words, u32 count) { add_words_to(*result, words, count); }

// Whether the kernels that run the ensemble stay within its sections and end.
EXPORT(holds) bool holds(const Ensemble* ensemble, u32 columns, u32 nodes, u32 records, u32 mask_vectors, u32 leaves) {
  const Ensemble& e = *ensemble;
  const Counts counts = {columns, nodes, records, mask_vectors, leaves};
  if (e.row_kernel == row_walk || e.bulk_kernel == bulk_walk)
    if (!(e.wide_nodes ? nodes_hold<WideNode>(e, counts) : nodes_hold<SmallNode>(e, counts))) return false;
  if (e.row_kernel != row_walk && !masks_hold(e, counts)) return false;
  return e.bulk_kernel != bulk_slots || records_hold(e, counts);
}

template <int depth>
INLINE void find_leaves_by_masks(const Ensemble& e) {
  switch (e.row_bytes / 16) {
    case 1: return find_leaves_by_masks<depth, 1>(e, e.codes, e.leaves);
    case 2: return find_leaves_by_masks<depth, 2>(e, e.codes, e.leaves);
    case 3: return find_leaves_by_masks<depth, 3>(e, e.codes, e.leaves);
    default: return find_leaves_by_masks<depth, 4>(e, e.codes, e.leaves);
  }
}

INLINE void find_row_leaves(const Ensemble& e) {
  if (e.row_kernel == row_masks) {
    if (e.depth == 4) return find_leaves_by_masks<4>(e);
    if (e.depth == 5) return find_leaves_by_masks<5>(e);
    return find_leaves_by_masks<6>(e);
  }
  if (e.row_kernel == row_symmetric) switch (e.row_bytes / 16) {
    case 1: return find_leaves_of_symmetric_trees<1>(e, e.codes, e.leaves);
    case 2: return find_leaves_of_symmetric_trees<2>(e, e.codes, e.leaves);
    case 3: return find_leaves_of_symmetric_trees<3>(e, e.codes, e.leaves);
    default: return find_leaves_of_symmetric_trees<4>(e, e.codes, e.leaves);
  }
  if (e.wide_nodes) walk_trees<WideNode>(e, e.codes, e.leaves);
  else walk_trees<SmallNode>(e, e.codes, e.leaves);
}

INLINE void run_block(const Ensemble& e, const float* input, u32 count, float* output) {
  u8* leaves = (u8*)e.leaves;
  clear_sums(e, e.block_rows * (e.weights_per_leaf == 1 ? e.width : e.weights_per_leaf));
  if (e.bulk_kernel == bulk_walk) {
    for (u32 r = 0; r < count; r++) encode_row(e, input + r * e.feature_count, e.codes + r * e.row_bytes);
    for (u32 t = 0; t < e.tree_count; t++) {
      const Tree& tree = e.trees[t];
      if (e.wide_nodes) walk_rows<WideNode>(e, tree, e.codes, count, e.leaves);
      else walk_rows<SmallNode>(e, tree, e.codes, count, e.leaves);
      add_leaves(e, tree.weights, tree.target, e.leaves, count);
    }
  } else {
    encode_columns(e, input, count, e.codes);
    if (e.bulk_kernel == bulk_symmetric)
      for (u32 t = 0; t < e.tree_count; t++) {
        const SymmetricTree& tree = e.symmetric_trees[t];
        find_symmetric_leaves(tree, e.codes, count, leaves);
        add_leaves(e, tree.weights, tree.target, leaves, count);
      }
    else
      for (u32 p = 0; p < e.piece_count; p++) {
        const Piece& piece = e.pieces[p];
        find_piece_leaves(e, piece, e.codes, count, leaves);
        add_leaves(e, piece.weights, piece.target, leaves, count);
      }
  }
  finish_block(e, count, output);
}

EXPORT(run) void run(const Ensemble* ensemble, u32 rows) {
  const Ensemble& e = *ensemble;
  if (rows < e.bulk_from) {
    for (u32 r = 0; r < rows; r++) {
      encode_row(e, e.input + r * e.feature_count, e.codes);
      find_row_leaves(e);
      sum_row(e, e.leaves, e.output + r * e.width);
    }
    return;
  }
  for (u32 r = 0; r < rows; r += e.block_rows) {
    const u32 count = r + e.block_rows < rows ? e.block_rows : rows - r;
    run_block(e, e.input + r * e.feature_count, count, e.output + r * e.width);
  }
}
