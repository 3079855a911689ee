import { diffArrays } from "diff/lib/diff/array.js";
import { ModelFilesRefused } from "./source.ts";

/** A file: its mode, the id of its content, and its size if the host states it. */
export type TreeFile = { readonly mode: string; readonly blob: string; readonly bytes?: number };
/** The difference of two commits at one path; null: no file. */
export type PathDifference = { readonly before: TreeFile | null; readonly after: TreeFile | null };

type Merge = {
  /** Differences from the merge base, by path: of both parents and of the merge. */
  readonly ours: ReadonlyMap<string, PathDifference>;
  readonly theirs: ReadonlyMap<string, PathDifference>;
  readonly merged: ReadonlyMap<string, PathDifference>;
  /** Throws ModelFilesRefused for a file above the host's limit. */
  readonly read: (file: TreeFile) => Promise<Uint8Array>;
};

/** The largest number of changed lines on one side: the comparison takes quadratic time. */
const maxEdits = 500;
const maxFileBytes = 1024 * 1024;

const isSame = (one: TreeFile | null, other: TreeFile | null): boolean =>
  one?.blob === other?.blob && one?.mode === other?.mode;

type Hunk = { readonly start: number; readonly end: number; readonly lines: readonly string[] };

/** One side's replacements of the base's lines; undefined if they are too many. */
const diffHunks = (base: string[], side: string[]): Hunk[] | undefined => {
  const parts = diffArrays(base, side, { maxEditLength: maxEdits });
  if (!parts) return undefined;
  const hunks: Hunk[] = [];
  let at = 0;
  let open: { start: number; end: number; lines: string[] } | undefined;
  for (const { added, removed, value } of parts) {
    if (!added && !removed) {
      at += value.length;
      open = undefined;
      continue;
    }
    if (!open) {
      open = { start: at, end: at, lines: [] };
      hunks.push(open);
    }
    if (removed) at += value.length;
    else open.lines.push(...value);
    open.end = at;
  }
  return hunks;
};

/** Also undefined if equal lines make the result ambiguous: then a comparison from the end finds other hunks. */
const findCertainHunks = (base: string[], side: string[]): Hunk[] | undefined => {
  const hunks = diffHunks(base, side);
  const turned = diffHunks(base.toReversed(), side.toReversed());
  const again = turned?.toReversed().map(({ start, end, lines }) => ({
    start: base.length - end,
    end: base.length - start,
    lines: lines.toReversed(),
  }));
  return JSON.stringify(hunks) === JSON.stringify(again) ? hunks : undefined;
};

/** Merges both sides' changes of one text like git; undefined if they touch each other or are too many. */
export const mergeLines = (base: string, ours: string, theirs: string): string | undefined => {
  // Lines keep their newline: a last line without it differs from one with it.
  const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const lines = linesOf(base);
  const [mine, others] = [ours, theirs].map((side) => findCertainHunks(lines, linesOf(side)));
  if (!mine || !others) return undefined;
  const made: string[] = [];
  let at = 0;
  let last: Hunk | undefined;
  const both = [...mine, ...others].toSorted((a, b) => a.start - b.start || a.end - b.end);
  for (const hunk of both) {
    const isTwice =
      last?.start === hunk.start && last.end === hunk.end && last.lines.join("") === hunk.lines.join("");
    if (isTwice) continue;
    // For git, changes without a line between them are a conflict, too.
    if (last && hunk.start <= last.end) return undefined;
    made.push(...lines.slice(at, hunk.start), ...hunk.lines);
    at = hunk.end;
    last = hunk;
  }
  return [...made, ...lines.slice(at)].join("");
};

/**
 * Whether a merge commit equals the merge of its parents, recomputed file by file like git (without renames). A file that
 * one side changed must be that side's; a file that both changed must have both sides' changes of separate lines. False
 * if the result is uncertain; true only if every line of the merge comes from its parents or their base.
 * https://git-scm.com/docs/git-merge#_description
 */
export const verifyMerge = async ({ ours, theirs, merged, read }: Merge): Promise<boolean> => {
  /** Undefined if it is not a text file: only these are merged by lines, not links and submodules. */
  const textOf = async (file: TreeFile | null): Promise<string | undefined> => {
    if (!file?.mode.startsWith("100") || (file.bytes ?? 0) > maxFileBytes) return undefined;
    const bytes = await read(file).catch((error: unknown) => {
      if (error instanceof ModelFilesRefused) return undefined;
      throw error;
    });
    if (bytes === undefined || bytes.byteLength > maxFileBytes || bytes.includes(0)) return undefined;
    // Latin 1 preserves every byte.
    return Buffer.from(bytes).toString("latin1");
  };
  const isByLines = async (files: readonly (TreeFile | null)[]): Promise<boolean> => {
    if (new Set(files.map((file) => file?.mode)).size !== 1) return false;
    const [before, mine, other, made] = await Promise.all(files.map(textOf));
    if (before === undefined || mine === undefined || other === undefined) return false;
    return made !== undefined && mergeLines(before, mine, other) === made;
  };
  for (const path of new Set([...ours.keys(), ...theirs.keys(), ...merged.keys()])) {
    const [mine, other, made] = [ours.get(path), theirs.get(path), merged.get(path)];
    const changed = mine ?? other;
    // The merge changed a path that neither parent changed, or it dropped a parent's change.
    if (!changed || !made) return false;
    if (!mine || !other || isSame(mine.after, other.after)) {
      if (!isSame(changed.after, made.after)) return false;
    } else if (!(await isByLines([mine.before, mine.after, other.after, made.after]))) return false;
  }
  return true;
};
