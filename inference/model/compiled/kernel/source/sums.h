#pragma once
#include "ensemble.h"

// Weights are added tree after tree in 32-bit floats, as onnxruntime adds them on one thread: the sums are the same to the last bit.

// A weight or a number that is missing from a minimum or maximum is NaN.
template <u32 aggregate>
INLINE vec combine(vec so_far, vec weight) {
  if (aggregate <= aggregate_average) return wasm_f32x4_add(so_far, weight);
  const vec replaces = aggregate == aggregate_minimum ? wasm_f32x4_lt(weight, so_far) : wasm_f32x4_gt(weight, so_far);
  const vec first = wasm_f32x4_ne(so_far, so_far);
  return wasm_v128_bitselect(weight, so_far, wasm_v128_or(replaces, first));
}

INLINE void clear_sums(const Ensemble& e, u32 count) {
  const vec start = e.aggregate <= aggregate_average ? wasm_f32x4_splat(0) : wasm_f32x4_splat(__builtin_nanf(""));
  float* sums = e.sums;
  for (u32 i = 0; i < count; i += 4) wasm_v128_store(sums + i, start);
}

INLINE float finish(const Ensemble& e, u32 target, float sum) {
  if (e.aggregate == aggregate_average) sum /= (float)e.tree_count;
  else if (sum != sum) sum = 0;
  return sum + e.base[target];
}

// Adds all the weights of one leaf per row. `vectors`: four weights each.
template <u32 aggregate, typename Leaf>
INLINE void add_all(const float* weights, u32 vectors, const Leaf* leaves, u32 count, float* sums) {
  for (u32 r = 0; r < count; r++) {
    const float* leaf = weights + leaves[r] * 4 * vectors;
    float* row = sums + r * 4 * vectors;
    for (u32 k = 0; k < vectors; k++)
      wasm_v128_store(row + 4 * k, combine<aggregate>(wasm_v128_load(row + 4 * k), wasm_v128_load(leaf + 4 * k)));
  }
}

template <typename Leaf>
INLINE void add_all(u32 aggregate, const float* weights, u32 vectors, const Leaf* leaves, u32 count, float* sums) {
  if (aggregate == aggregate_minimum) add_all<aggregate_minimum>(weights, vectors, leaves, count, sums);
  else if (aggregate == aggregate_maximum) add_all<aggregate_maximum>(weights, vectors, leaves, count, sums);
  else if (vectors == 1) add_all<aggregate_sum>(weights, 1, leaves, count, sums);
  else add_all<aggregate_sum>(weights, vectors, leaves, count, sums);
}

// Adds the one weight of one leaf per row.
template <typename Leaf>
INLINE void add_one(const float* weights, const Leaf* leaves, u32 count, float* sums) {
  for (u32 r = 0; r < count; r += 4) {
    vec four = wasm_v128_load32_zero(weights + leaves[r]);
    four = wasm_v128_load32_lane(weights + leaves[r + 1], four, 1);
    four = wasm_v128_load32_lane(weights + leaves[r + 2], four, 2);
    four = wasm_v128_load32_lane(weights + leaves[r + 3], four, 3);
    wasm_v128_store(sums + r, wasm_f32x4_add(wasm_v128_load(sums + r), four));
  }
}

// Adds one tree's weights for a block of rows. With one weight per leaf the sums lie target by target, else row by row.
template <typename Leaf>
SEPARATE void add_leaves(const Ensemble& e, u32 weights, u32 target, const Leaf* leaves, u32 count) {
  const float* start = e.weights + weights * e.weights_per_leaf;
  if (e.weights_per_leaf == 1) add_one(start, leaves, count, e.sums + target * e.block_rows);
  else add_all(e.aggregate, start, e.weights_per_leaf / 4, leaves, count, e.sums);
}

// The first number of a row with two opposite targets is the negative of the second one, which alone is summed.
INLINE void finish_row(const Ensemble& e, const float* sums, u32 step, float* output) {
  if (e.opposite) {
    output[0] = finish(e, 0, -sums[step]);
    output[1] = finish(e, 1, sums[step]);
  } else
    for (u32 k = 0; k < e.width; k++) output[k] = finish(e, k, sums[k * step]);
}

SEPARATE void finish_block(const Ensemble& e, u32 count, float* output) {
  const u32 row_step = e.weights_per_leaf == 1 ? 1 : e.weights_per_leaf;
  const u32 target_step = e.weights_per_leaf == 1 ? e.block_rows : 1;
  for (u32 r = 0; r < count; r++) finish_row(e, e.sums + r * row_step, target_step, output + r * e.width);
}

// The numbers of one row, from the leaf of each tree.
SEPARATE void sum_row(const Ensemble& e, const u32* leaves, float* output) {
  const u32 count = e.tree_count;
  const Tree* trees = e.trees;
  const float* weights = e.weights;
  float* sums = e.sums;
  if (e.weights_per_leaf == 1 && e.one_target) {
    float sum = 0;
    for (u32 t = 0; t < count; t++) sum += weights[trees[t].weights + leaves[t]];
    sums[trees[0].target] = sum;
  } else if (e.weights_per_leaf == 1) {
    clear_sums(e, e.width);
    for (u32 t = 0; t < count; t++) sums[trees[t].target] += weights[trees[t].weights + leaves[t]];
  } else {
    clear_sums(e, e.weights_per_leaf);
    for (u32 t = 0; t < count; t++)
      add_all(e.aggregate, weights + trees[t].weights * e.weights_per_leaf, e.weights_per_leaf / 4, leaves + t, 1, sums);
  }
  finish_row(e, sums, 1, output);
}
