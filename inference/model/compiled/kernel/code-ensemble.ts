import { nodeModes, type Tree, type TreeEnsemble } from "../tree-ensemble.ts";
import {
  type CodedEnsemble,
  type CodedTree,
  type Column,
  cutsPerColumn,
  type RankedFeature,
} from "./coded-ensemble.ts";

const bits = new Int32Array(1);
const float = new Float32Array(bits.buffer);

/** The next larger 32-bit float; NaN, which nothing reaches, for infinity. */
const nextUp = (value: number): number => {
  if (value === Number.POSITIVE_INFINITY) return Number.NaN;
  if (value === 0) {
    bits[0] = 1;
    return float[0] ?? 0;
  }
  float[0] = value;
  bits[0] = (bits[0] ?? 0) + (value > 0 ? 1 : -1);
  return float[0] ?? 0;
};

/** -0 and 0 are the same threshold. */
const withoutSign = (value: number): number => (value === 0 ? 0 : value);

/**
 * What a node asks, without its mode: whether the value reaches `cut`, or is one of `members`. `yesAbove`: which child has the mode's
 * "yes"; `missingAbove`: where a value goes that is not a number.
 */
type Question = {
  readonly yesAbove: boolean;
  readonly missingAbove: boolean;
} & (
  | { readonly kind: "cut"; readonly cut: number }
  | { readonly kind: "set"; readonly members: Float32Array }
);

const readMembers = (tree: Tree, node: number): Float32Array =>
  new Float32Array(
    new Set(
      [...(tree.sets[tree.threshold[node] ?? 0] ?? [])]
        .filter((value) => !Number.isNaN(value))
        .map(withoutSign),
    ),
  ).sort();

const readQuestion = (tree: Tree, node: number): Question => {
  const threshold = withoutSign(tree.threshold[node] ?? 0);
  const missingIsYes = tree.missingIsYes[node] === 1;
  // Every comparison with NaN is false, but for "!=".
  const ask = (yesAbove: boolean, missingYes = missingIsYes) => ({
    yesAbove,
    missingAbove: missingYes === yesAbove,
  });
  const mode = nodeModes[tree.mode[node] ?? 0] ?? "<=";
  switch (mode) {
    case "<=":
      return { kind: "cut", cut: nextUp(threshold), ...ask(false) };
    case "<":
      return { kind: "cut", cut: threshold, ...ask(false) };
    case ">=":
      return { kind: "cut", cut: threshold, ...ask(true) };
    case ">":
      return { kind: "cut", cut: nextUp(threshold), ...ask(true) };
    case "==":
      return { kind: "set", members: Float32Array.of(threshold), ...ask(true) };
    case "!=":
      return { kind: "set", members: Float32Array.of(threshold), ...ask(false, true) };
    case "member":
      return { kind: "set", members: readMembers(tree, node), ...ask(true) };
    default:
      return mode satisfies never;
  }
};

/** The place of each cut among the feature's cuts. */
type Ranks = { readonly cuts: Float32Array; readonly rank: ReadonlyMap<number, number> };

const rankCuts = (questions: readonly Question[]): Ranks => {
  const distinct = new Set<number>();
  for (const question of questions)
    if (question.kind === "cut") distinct.add(question.cut);
    else
      for (const member of question.members) {
        distinct.add(member);
        distinct.add(nextUp(member));
      }
  const cuts = new Float32Array(distinct).sort();
  return { cuts, rank: new Map([...cuts].map((cut, index) => [cut, index])) };
};

/** For each rank whether values of this rank are members: a member's cut and the next one enclose nothing but the member. */
const tabulate = (cuts: Float32Array, members: Float32Array): Uint8Array => {
  const wanted = new Set(members);
  return Uint8Array.from({ length: cuts.length + 1 }, (_, rank) =>
    rank > 0 && wanted.has(cuts[rank - 1] ?? Number.NaN) ? 255 : 0,
  );
};

/** Collects the columns that a feature's nodes need: two for one cut where missing values go to either side. */
const createColumns = ({ cuts, rank }: Ranks) => {
  const ranges: Column[] = [];
  const sets: Column[] = [];
  const known = new Map<string, Column>();
  const find = (key: string, list: Column[], create: () => Column): Column => {
    const existing = known.get(key);
    if (existing) return existing;
    const column = create();
    known.set(key, column);
    list.push(column);
    return column;
  };
  const add = (question: Question): { readonly column: Column; readonly threshold: number } => {
    const { missingAbove } = question;
    if (question.kind === "set") {
      const key = `${missingAbove} ${question.members.join()}`;
      const create = () => ({ base: 0, table: tabulate(cuts, question.members), missingAbove });
      return { column: find(key, sets, create), threshold: 0 };
    }
    const place = rank.get(question.cut) ?? 0;
    const base = place - (place % cutsPerColumn);
    return {
      column: find(`${missingAbove} from ${base}`, ranges, () => ({ base, table: undefined, missingAbove })),
      threshold: place - base,
    };
  };
  return { add, list: () => [...ranges, ...sets] };
};

/** Steps of a binary search among so many cuts. */
export const countSteps = (cuts: number): number => Math.ceil(Math.log2(cuts + 1));

/**
 * Replaces values by codes: a byte for each feature that has the order of its values, so that nodes of every mode ask the
 * same of a byte. Exact: two values have the same code only if no node of the ensemble tells them apart.
 */
export const codeEnsemble = (source: TreeEnsemble): CodedEnsemble => {
  const questions = source.trees.map((tree) =>
    Array.from(tree.feature, (_, node) => readQuestion(tree, node)),
  );
  const byFeature = new Map<number, Question[]>();
  for (const [t, tree] of source.trees.entries())
    for (const [node, feature] of tree.feature.entries()) {
      const question = questions[t]?.[node];
      if (!question) continue;
      const list = byFeature.get(feature);
      if (list) list.push(question);
      else byFeature.set(feature, [question]);
    }
  const places = new Map<Question, { readonly column: Column; readonly threshold: number }>();
  const ranked = [...byFeature].map(([feature, list]) => {
    const ranks = rankCuts(list);
    const columns = createColumns(ranks);
    for (const question of list) places.set(question, columns.add(question));
    return { source: feature, cuts: ranks.cuts, columns: columns.list() };
  });
  // The kernel searches in four features at once where they need as many steps.
  ranked.sort((a, b) => countSteps(a.cuts.length) - countSteps(b.cuts.length) || a.source - b.source);
  const numbers = new Map<Column, number>();
  const features: RankedFeature[] = ranked.map((feature) => {
    const firstColumn = numbers.size;
    for (const column of feature.columns) numbers.set(column, numbers.size);
    return { ...feature, firstColumn };
  });
  const trees = source.trees.map((tree, t): CodedTree => {
    const places_ = (questions[t] ?? []).map((question) => places.get(question));
    const isYesAbove = (node: number) => questions[t]?.[node]?.yesAbove === true;
    return {
      root: tree.root,
      column: Int32Array.from(places_, (place) => (place ? (numbers.get(place.column) ?? 0) : 0)),
      threshold: Uint8Array.from(places_, (place) => place?.threshold ?? 0),
      above: tree.yes.map((yes, node) => (isYesAbove(node) ? yes : (tree.no[node] ?? 0))),
      below: tree.no.map((no, node) => (isYesAbove(node) ? no : (tree.yes[node] ?? 0))),
      leafCount: tree.leafStart.length - 1,
    };
  });
  return { source, features, columnCount: numbers.size, trees };
};
