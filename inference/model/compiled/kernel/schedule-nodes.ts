import type { CodedTree } from "./coded-ensemble.ts";

/** A result that is read earlier than this after it was written keeps the processor waiting: it is still on its way to memory. */
const distance = 4;
/** How far ahead a node is looked for that need not wait; each brought forward keeps a slot for longer. */
const lookahead = 16;

/** Nodes in their order, each with the slot of its result. */
type Schedule = {
  readonly nodes: readonly { readonly node: number; readonly slot: number }[];
  readonly slots: number;
};

/**
 * A piece's nodes so that children come before their parent, and the child that needs more slots before its sibling, which
 * keeps the number of slots at the logarithm of the leaves (Sethi and Ullman, J. ACM 1970;17(4):715).
 */
const orderByNeed = (tree: CodedTree, isNode: (child: number) => boolean): readonly number[] => {
  const order: number[] = [];
  const visit = (above: (node: number) => readonly [number, number]) => {
    order.length = 0;
    const open = [tree.root];
    for (let child = open.pop(); child !== undefined; child = open.pop())
      if (isNode(child)) {
        order.push(child);
        open.push(...above(child));
      }
    return order.toReversed();
  };
  const children = (node: number) => [tree.below[node] ?? -1, tree.above[node] ?? -1] as const;
  const needs = new Map<number, number>();
  const need = (child: number) => needs.get(child) ?? 0;
  for (const node of visit(children)) {
    const [below, above] = children(node).map(need) as [number, number];
    needs.set(node, below === above ? below + 1 : Math.max(below, above));
  }
  return visit((node) => {
    const [below, above] = children(node);
    return need(below) >= need(above) ? [below, above] : [above, below];
  });
};

const schedule = (
  {
    order,
    children,
  }: { readonly order: readonly number[]; readonly children: (node: number) => readonly number[] },
  ahead: number,
): Schedule => {
  const remaining = [...order];
  const computed = new Map<number, { readonly place: number; readonly slot: number }>();
  const freeSlots: number[] = [];
  let slots = 0;
  const nodes: { node: number; slot: number }[] = [];
  const isReady = (node: number) =>
    children(node).every((child) => nodes.length - (computed.get(child)?.place ?? nodes.length) >= distance);
  while (remaining.length > 0) {
    // The first one never waits for another: its children come before it.
    const [node = -1] = remaining.splice(Math.max(0, remaining.slice(0, ahead).findIndex(isReady)), 1);
    for (const child of children(node)) freeSlots.push(computed.get(child)?.slot ?? 0);
    const slot = freeSlots.pop() ?? slots++;
    computed.set(node, { place: nodes.length, slot });
    nodes.push({ node, slot });
  }
  return { nodes, slots };
};

/**
 * The order in which a piece's nodes are computed, and a slot for each result: as `orderByNeed` has it, but a node whose child was
 * computed just before gives way to one that need not wait.
 * @param isNode whether a child is an inner node that the piece computes
 * @param maxSlots at least 16: more than the logarithm of a piece's leaves
 */
export const scheduleNodes = (
  tree: CodedTree,
  isNode: (child: number) => boolean,
  maxSlots: number,
): Schedule["nodes"] => {
  const order = orderByNeed(tree, isNode);
  const children = (node: number) => [tree.below[node] ?? -1, tree.above[node] ?? -1].filter(isNode);
  const fast = schedule({ order, children }, lookahead);
  return (fast.slots <= maxSlots ? fast : schedule({ order, children }, 0)).nodes;
};
