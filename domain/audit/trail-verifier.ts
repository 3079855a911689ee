import type { Anchors } from "#platform/anchors/anchors.ts";
import type { Registry } from "#platform/registry/registry.ts";
import type { Store } from "#platform/store/store.ts";
import { AuditPlace } from "./audit-entry.ts";
import { createAuditTrail } from "./audit-trail.ts";
import { auditHeadTag } from "./head-tag.ts";
import { type OutsideHead, type VerifiedTrail, verifyTrail } from "./verify-trail.ts";

/** The newest versions whose tags are compared. */
const maxTaggedVersions = 500;

/** Verifies audit trails against what lies outside the store. */
export const createTrailVerifier = ({
  store,
  clock,
  anchors,
  registry,
}: {
  readonly store: Pick<Store, "get" | "put" | "page">;
  readonly clock: () => number;
  readonly anchors: Pick<Anchors, "list">;
  /** Absent: its tags are not compared. */
  readonly registry?: Pick<Registry, "versions">;
}) => {
  const trail = createAuditTrail({ store, clock });

  const readTags = async (model: string): Promise<readonly OutsideHead[]> => {
    const versions = (await registry?.versions(model, { limit: maxTaggedVersions })) ?? [];
    return versions.flatMap(({ version, tags }): OutsideHead[] => {
      const text = tags[auditHeadTag];
      if (text === undefined) return [];
      const [, sequence = "0", hash = ""] = /^(\d+) ([0-9a-f]{64})$/.exec(text) ?? [];
      const place = `tag ${auditHeadTag} of version ${version} in the registry`;
      return [{ sequence: Number(sequence), hash, from: "registry", place, at: null }];
    });
  };

  /** The heads outside the store, and a sentence for each that is none. */
  const readOutside = async (model: string) => {
    const { anchors: locked, invalid } = await anchors.list(model);
    const tags = await readTags(model);
    const isReadable = ({ hash }: OutsideHead) => AuditPlace.shape.hash.safeParse(hash).success;
    return {
      locked,
      tags: tags.filter(isReadable),
      invalid: [
        ...invalid,
        ...tags.filter((tag) => !isReadable(tag)).map(({ place }) => `the ${place} is not a head of a trail`),
      ],
    };
  };

  return {
    readOutside,

    verify: async (model: string): Promise<VerifiedTrail & { readonly anchors: readonly OutsideHead[] }> => {
      // What follows an entry is read before it: heads, then notes. An entry that is written meanwhile has neither.
      const { locked, tags, invalid } = await readOutside(model);
      const heads = [...locked.map((anchor): OutsideHead => ({ ...anchor, from: "lock" })), ...tags];
      const notes = await trail.readNotes(model);
      const items = await trail.readItems(model);
      const verified = verifyTrail({
        ...{ model, items, heads, invalidAnchors: invalid },
        ...{ notes, now: clock() },
      });
      return { ...verified, anchors: heads };
    },
  };
};
export type TrailVerifier = ReturnType<typeof createTrailVerifier>;
