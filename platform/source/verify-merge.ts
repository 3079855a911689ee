import { diffArrays } from "diff/lib/diff/array.js";
import { ModelFilesRefused } from "./source.ts";

/** A file at one path: its mode, the id of its content, and its size where the host says it. */
export type TreeFile = { readonly mode: string; readonly blob: string; readonly bytes?: number };
/** A path at which a commit differs from another; null: there is no file. */
export type PathDifference = { readonly before: TreeFile | null; readonly after: TreeFile | null };

type Merge = {
  /** By path, each against the merge base: how both parents differ from it, and how the merge does. */
  readonly ours: ReadonlyMap<string, PathDifference>;
  readonly theirs: ReadonlyMap<string, PathDifference>;
  readonly merged: ReadonlyMap<string, PathDifference>;
  /** Throws ModelFilesRefused: it is larger than the host gives out. */
  readonly read: (file: TreeFile) => Promise<Uint8Array>;
};

/** Lines that may differ on one side: comparing takes time by their square. */
const maxEdits = 500;
const maxFileBytes = 1024 * 1024;

const isSame = (one: TreeFile | null, other: TreeFile | null): boolean =>
  one?.blob === other?.blob && one?.mode === other?.mode;

type Hunk = { readonly start: number; readonly end: number; readonly lines: readonly string[] };

/** What one side put in place of which of the base's lines; undefined: too much to tell. */
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

/** Undefined also where alike lines leave open which of them changed: seen from the end, others did. */
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

/** Both sides' changes of one text, as git merges them; undefined: they touch each other, or are too many to tell. */
export const mergeLines = (base: string, ours: string, theirs: string): string | undefined => {
  // A last line without its end is another than one with it.
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
    // Git takes changes that have no line between them for a conflict, too.
    if (last && hunk.start <= last.end) return undefined;
    made.push(...lines.slice(at, hunk.start), ...hunk.lines);
    at = hunk.end;
    last = hunk;
  }
  return [...made, ...lines.slice(at)].join("");
};

/**
 * Whether a merge has just what merging its parents gives, recomputed by files as git does it (without its renames): what
 * one side alone changed is that side's, what both changed is both sides' changes of separate lines. False where that
 * cannot be told; true only where each line of the merge is one that its parents or their base had.
 * https://git-scm.com/docs/git-merge#_description
 */
export const verifyMerge = async ({ ours, theirs, merged, read }: Merge): Promise<boolean> => {
  /** Undefined: no text of files, which alone are merged by lines; links and submodules are not. */
  const textOf = async (file: TreeFile | null): Promise<string | undefined> => {
    if (!file?.mode.startsWith("100") || (file.bytes ?? 0) > maxFileBytes) return undefined;
    const bytes = await read(file).catch((error: unknown) => {
      if (error instanceof ModelFilesRefused) return undefined;
      throw error;
    });
    if (bytes === undefined || bytes.byteLength > maxFileBytes || bytes.includes(0)) return undefined;
    // Latin 1 keeps every byte.
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
    // Neither parent changed what the merge did, or the merge left out what one of them changed.
    if (!changed || !made) return false;
    if (!mine || !other || isSame(mine.after, other.after)) {
      if (!isSame(changed.after, made.after)) return false;
    } else if (!(await isByLines([mine.before, mine.after, other.after, made.after]))) return false;
  }
  return true;
};
