import type { Anchor } from "#platform/anchors/anchors.ts";
import type { StoredItem } from "#platform/store/store.ts";
import { AuditEntry, AuditPlace, auditKeys, hashEntry } from "./audit-entry.ts";

/** A head of the trail that lies outside the store. */
export type OutsideHead = Pick<Anchor, "sequence" | "hash"> & {
  /** `lock`: the anchors; `registry`: a version's tag; `person`: read from a message. */
  readonly from: "lock" | "registry" | "person";
  readonly place: string;
  /** Epoch milliseconds; null: unknown. */
  readonly at: number | null;
};

export type Finding = {
  readonly kind: "changed" | "removed" | "reordered" | "foreign" | "anchor differs" | "anchor missing";
  /** The entry's place in the trail; null: not about one entry. */
  readonly sequence: number | null;
  readonly sentence: string;
};

export type VerifiedTrail = {
  /** The entries that can be read, oldest first. */
  readonly entries: readonly AuditEntry[];
  /** Null: nothing outside the store confirms the trail. */
  readonly newestAnchor: OutsideHead | null;
  /** Entries after the newest anchor: their author could still rewrite them unseen. */
  readonly unanchored: readonly number[];
  readonly findings: readonly Finding[];
};

const shorten = (hash: string): string => `${hash.slice(0, 16)}…`;

type Place = { readonly sequence: number; readonly entry: AuditEntry | undefined };

/** Where items lie and whether each is an entry. Whoever may write the store may write any item there. */
const readPlaces = (
  model: string,
  items: readonly Pick<StoredItem, "key" | "value">[],
): { readonly places: readonly Place[]; readonly findings: readonly Finding[] } => {
  const places: Place[] = [];
  const findings: Finding[] = [];
  for (const { key, value } of items) {
    const sequence = Number(key.sort);
    if (!Number.isSafeInteger(sequence) || auditKeys.entry(model, sequence).sort !== key.sort) {
      findings.push({
        kind: "foreign",
        sequence: null,
        sentence: `An item lies in the trail that has no place in it: ${JSON.stringify(key.sort.slice(0, 40))}.`,
      });
      continue;
    }
    const parsed = AuditEntry.safeParse(value);
    if (!parsed.success)
      findings.push({
        kind: "changed",
        sequence,
        sentence: `Entry ${sequence} is not an entry of a trail any more: it was overwritten.`,
      });
    places.push({ sequence, entry: parsed.data });
  }
  return { places, findings };
};

const checkEntry = (model: string, { sequence, entry }: Place, before: AuditEntry | undefined): Finding[] => {
  if (!entry) return [];
  if (entry.sequence !== sequence || entry.model !== model)
    return [
      {
        kind: "reordered",
        sequence,
        sentence: `Entry ${sequence} is in fact entry ${entry.sequence} of ${entry.model}: entries were moved.`,
      },
    ];
  const findings: Finding[] = [];
  const computed = hashEntry(entry);
  if (computed !== entry.hash)
    findings.push({
      kind: "changed",
      sequence,
      sentence: `Entry ${sequence} was changed: its hash is ${shorten(computed)}, and it says ${shorten(entry.hash)}.`,
    });
  const isFirst = sequence === 1;
  const follows = isFirst ? entry.previous === null : before === undefined || entry.previous === before.hash;
  if (!follows)
    findings.push({
      kind: "changed",
      sequence,
      sentence: isFirst
        ? "Entry 1 is not the beginning of a trail: it follows another entry."
        : `Entry ${sequence} does not follow entry ${sequence - 1} as it is now: one of them was replaced.`,
    });
  return findings;
};

/** Gaps, by their first and last entry, and entries that are not after the one before: a document may hold any. */
const findGaps = (places: readonly Place[], start: number): readonly Finding[] =>
  places.flatMap(({ sequence }, index) => {
    const first = (places[index - 1]?.sequence ?? start - 1) + 1;
    if (sequence < first)
      return [
        {
          kind: "reordered",
          sequence,
          sentence: `Entry ${sequence} stands where entry ${first} should: it was added or moved.`,
        },
      ];
    return sequence === first ? [] : [describeRemoval(first, sequence - 1)];
  });

const describeRemoval = (first: number, last: number): Finding => ({
  kind: "removed",
  sequence: first,
  sentence: first === last ? `Entry ${first} was removed.` : `Entries ${first} to ${last} were removed.`,
});

/**
 * Notes of facts that the trail does not have where they say: a note keeps its fact from being recorded, so a false one hides
 * a fact. Each note was written after its entry.
 * @param isFound whether the entry at this place is missing or changed, and has a finding
 */
const checkNotes = (
  model: string,
  notes: readonly Pick<StoredItem, "key" | "value">[],
  entries: ReadonlyMap<number, AuditEntry>,
  isFound: (sequence: number) => boolean,
): readonly Finding[] =>
  notes.flatMap(({ key, value }) => {
    const place = AuditPlace.safeParse(value).data;
    const entry = place && entries.get(place.sequence);
    const isTrue = entry?.hash === place?.hash && entry && auditKeys.fact(model, entry).sort === key.sort;
    if (isTrue || (place && isFound(place.sequence))) return [];
    return [
      {
        kind: "foreign" as const,
        sequence: place?.sequence ?? null,
        sentence: `A note says that ${place ? `entry ${place.sequence}` : "an entry"} records a fact${describeDelivery(key.sort)}, and it does not: the entry was removed, or the note keeps a fact out of the trail.`,
      },
    ];
  });
const describeDelivery = (sort: string): string => {
  const [delivery = ""] = sort.split("#");
  return delivery === "" ? "" : ` of ${JSON.stringify(delivery.slice(0, 100))}`;
};

/** Anchors follow within minutes. */
const longestUnanchoredMs = 3_600_000;

const checkUnanchored = (
  entries: readonly AuditEntry[],
  newest: OutsideHead | null,
  now: number,
): readonly Finding[] => {
  const late = entries.find(
    ({ sequence, recordedAt }) =>
      sequence > (newest?.sequence ?? 0) && Date.parse(recordedAt) < now - longestUnanchoredMs,
  );
  return late
    ? [
        {
          kind: "anchor missing",
          sequence: late.sequence,
          sentence: `Entry ${late.sequence} was recorded at ${late.recordedAt}, and no anchor covers it: anchors cannot be written (see the log of sweep-deliveries), or somebody prevents or removes them.`,
        },
      ]
    : [];
};

/** Each fact is recorded once: a repetition was written by somebody else. */
const findRepetitions = (entries: readonly AuditEntry[]): readonly Finding[] => {
  const first = new Map<string, number>();
  return entries.flatMap(({ fact, delivery, sequence }) => {
    const id = JSON.stringify([delivery, fact]);
    const earlier = first.get(id);
    if (earlier === undefined) {
      first.set(id, sequence);
      return [];
    }
    return [
      {
        kind: "foreign" as const,
        sequence,
        sentence: `Entry ${sequence} repeats the fact of entry ${earlier}: the trail records a fact once.`,
      },
    ];
  });
};

const checkAnchor = (
  { sequence, hash, place }: OutsideHead,
  entries: ReadonlyMap<number, AuditEntry>,
  last: number,
): readonly Finding[] => {
  if (sequence > last) return [];
  const entry = entries.get(sequence);
  // A removed or unreadable entry has a finding already.
  if (!entry || hashEntry(entry) === hash) return [];
  return [
    {
      kind: "anchor differs",
      sequence,
      sentence: `Entry ${sequence} is not the one that was anchored: ${place} has ${shorten(hash)}, the trail ${shorten(hashEntry(entry))}. The trail up to there was rewritten, or the anchor is false.`,
    },
  ];
};

/**
 * Finds every entry that was changed, removed or moved up to the newest anchor, from the stored items and the heads outside
 * the store alone. What was done to entries after the newest anchor may stay hidden: `unanchored` names them.
 */
export const verifyTrail = ({
  model,
  items,
  heads,
  invalidAnchors = [],
  notes = [],
  now,
  first = 1,
}: {
  readonly model: string;
  readonly items: readonly Pick<StoredItem, "key" | "value">[];
  readonly heads: readonly OutsideHead[];
  /** A sentence for each anchor that is not as it was put. */
  readonly invalidAnchors?: readonly string[];
  /** The notes of recorded facts, read before the items. */
  readonly notes?: readonly Pick<StoredItem, "key" | "value">[];
  /** Epoch milliseconds; absent: the age of what is not anchored does not matter, as in a document. */
  readonly now?: number;
  /** The entry with which the items begin, for a part of a trail. */
  readonly first?: number;
}): VerifiedTrail => {
  const { places, findings } = readPlaces(model, items);
  const entries = places.flatMap(({ sequence, entry }) =>
    entry && entry.sequence === sequence && entry.model === model ? [entry] : [],
  );
  const bySequence = new Map(entries.map((entry) => [entry.sequence, entry]));
  const last = places.at(-1)?.sequence ?? 0;
  const newest = heads.toSorted((left, right) => left.sequence - right.sequence).at(-1) ?? null;
  const isDecided = entries.some(({ kind }) => kind === "decision");
  const isWithoutAnchor = newest === null && isDecided;
  const ofEntries = [
    ...findings,
    ...findGaps(places, first),
    ...places.flatMap((place) => checkEntry(model, place, bySequence.get(place.sequence - 1))),
    ...findRepetitions(entries),
    ...(newest && newest.sequence > last ? [describeRemoval(last + 1, newest.sequence)] : []),
    ...heads.flatMap((head) => checkAnchor(head, bySequence, last)),
  ];
  const found = new Set(ofEntries.map(({ sequence }) => sequence));
  const end = Math.max(last, newest?.sequence ?? 0);
  const isFound = (sequence: number) => found.has(sequence) || (sequence <= end && !bySequence.has(sequence));
  return {
    entries,
    newestAnchor: newest,
    unanchored: places
      .map(({ sequence }) => sequence)
      .filter((sequence) => sequence > (newest?.sequence ?? 0)),
    findings: [
      ...ofEntries,
      ...invalidAnchors.map(
        (sentence): Finding => ({ kind: "anchor differs", sequence: null, sentence: `${sentence}.` }),
      ),
      ...checkNotes(model, notes, bySequence, isFound),
      ...(now === undefined || isWithoutAnchor ? [] : checkUnanchored(entries, newest, now)),
      ...(isWithoutAnchor
        ? [
            {
              kind: "anchor missing" as const,
              sequence: null,
              sentence:
                "The trail has decisions, but no anchor of it was found: anchors were removed, or none could be written (see the log of sweep-deliveries).",
            },
          ]
        : []),
    ].toSorted((left, right) => (left.sequence ?? 0) - (right.sequence ?? 0)),
  };
};
