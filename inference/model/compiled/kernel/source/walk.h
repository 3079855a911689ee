#pragma once
#include "ensemble.h"

// A node: its "below" child, whose neighbour is the "above" child, and what it asks. A leaf is its own child and asks for a
// code above 127, so that a walk that has arrived stays where it is.
struct SmallNode {
  s8 threshold;
  u8 column;
  u16 child;
};
struct WideNode {
  u32 child;
  u16 column;
  s8 threshold;
  u8 unused;
};

template <typename Node>
INLINE u32 step(const Node* nodes, u32 at, const s8* codes) {
  const Node node = nodes[at];
  return node.child + (codes[node.column] > node.threshold);
}

// One step of four walks; returns 0 if all of them have arrived.
template <typename Node>
INLINE u32 step_four(const Node* const nodes[4], const s8* const codes[4], u32 at[4]) {
  u32 moved = 0;
  UNROLL for (int i = 0; i < 4; i++) {
    const u32 next = step(nodes[i], at[i], codes[i]);
    moved |= next ^ at[i];
    at[i] = next;
  }
  return moved;
}

// Walks down four trees, or one tree for four rows, side by side: each step waits for memory, and the four waits overlap. Few walks
// end before the sixth level, and a walk that has arrived loses little by another step, so arrivals are seldom looked for.
template <typename Node>
INLINE void walk_four(const Node* const nodes[4], const s8* const codes[4], u32 at[4]) {
  for (int i = 0; i < 4; i++) at[i] = 0;
  step_four(nodes, codes, at);
  step_four(nodes, codes, at);
  step_four(nodes, codes, at);
  step_four(nodes, codes, at);
  step_four(nodes, codes, at);
  while (step_four(nodes, codes, at)) step_four(nodes, codes, at);
}

// The leaf of each tree for one row.
template <typename Node>
SEPARATE void walk_trees(const Ensemble& e, const s8* codes, u32* leaves) {
  const s8* const row[4] = {codes, codes, codes, codes};
  for (u32 t = 0; t < e.tree_count; t += 4) {
    const Tree* tree[4];
    const Node* nodes[4];
    u32 at[4];
    for (u32 i = 0; i < 4; i++) {
      tree[i] = e.trees + (t + i < e.tree_count ? t + i : t);
      nodes[i] = (const Node*)e.nodes + tree[i]->nodes;
    }
    walk_four(nodes, row, at);
    for (u32 i = 0; i < 4; i++) leaves[t + i] = e.leaf_numbers[tree[i]->nodes + at[i]];
  }
}

// The leaf of one tree for each of `count` rows.
template <typename Node>
SEPARATE void walk_rows(const Ensemble& e, const Tree& tree, const s8* codes, u32 count, u32* leaves) {
  const Node* start = (const Node*)e.nodes + tree.nodes;
  const Node* const nodes[4] = {start, start, start, start};
  for (u32 r = 0; r < count; r += 4) {
    const s8* row[4];
    u32 at[4];
    for (u32 i = 0; i < 4; i++) row[i] = codes + (r + i < count ? r + i : r) * e.row_bytes;
    walk_four(nodes, row, at);
    for (u32 i = 0; i < 4; i++) leaves[r + i] = e.leaf_numbers[tree.nodes + at[i]];
  }
}
