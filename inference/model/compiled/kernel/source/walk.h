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

// Walks that go on side by side: each step waits for memory, and their waits overlap.
static const u32 walks = 8;

// One step of each walk; returns 0 if all of them have arrived.
template <typename Node>
INLINE u32 step_all(const Node* const nodes[walks], const s8* const codes[walks], u32 at[walks]) {
  u32 moved = 0;
  UNROLL for (u32 i = 0; i < walks; i++) {
    const u32 next = step(nodes[i], at[i], codes[i]);
    moved |= next ^ at[i];
    at[i] = next;
  }
  return moved;
}

// Walks down several trees, or one tree for several rows. Few walks end before the sixth level, and a walk that has arrived
// loses little by another step, so arrivals are seldom looked for.
template <typename Node>
INLINE void walk_all(const Node* const nodes[walks], const s8* const codes[walks], u32 at[walks]) {
  UNROLL for (u32 i = 0; i < walks; i++) at[i] = 0;
  step_all(nodes, codes, at);
  step_all(nodes, codes, at);
  step_all(nodes, codes, at);
  step_all(nodes, codes, at);
  step_all(nodes, codes, at);
  while (step_all(nodes, codes, at)) step_all(nodes, codes, at);
}

// The leaf of each tree for one row.
template <typename Node>
SEPARATE void walk_trees(const Ensemble& e, const s8* codes, u32* leaves) {
  const s8* row[walks];
  UNROLL for (u32 i = 0; i < walks; i++) row[i] = codes;
  for (u32 t = 0; t < e.tree_count; t += walks) {
    const Tree* tree[walks];
    const Node* nodes[walks];
    u32 at[walks];
    for (u32 i = 0; i < walks; i++) {
      tree[i] = e.trees + (t + i < e.tree_count ? t + i : t);
      nodes[i] = (const Node*)e.nodes + tree[i]->nodes;
    }
    walk_all(nodes, row, at);
    for (u32 i = 0; i < walks; i++) leaves[t + i] = e.leaf_numbers[tree[i]->nodes + at[i]];
  }
}

// The leaf of one tree for each of `count` rows.
template <typename Node>
SEPARATE void walk_rows(const Ensemble& e, const Tree& tree, const s8* codes, u32 count, u32* leaves) {
  const Node* start = (const Node*)e.nodes + tree.nodes;
  const Node* nodes[walks];
  UNROLL for (u32 i = 0; i < walks; i++) nodes[i] = start;
  for (u32 r = 0; r < count; r += walks) {
    const s8* row[walks];
    u32 at[walks];
    for (u32 i = 0; i < walks; i++) row[i] = codes + (r + i < count ? r + i : r) * e.row_bytes;
    walk_all(nodes, row, at);
    for (u32 i = 0; i < walks; i++) leaves[r + i] = e.leaf_numbers[tree.nodes + at[i]];
  }
}
