import type { Manifest } from "./manifest.ts";

export type TagScheme = Extract<Manifest, { task: "entities" }>["output"]["scheme"];

type Tag = {
  /** Without its prefix. */
  readonly label: string;
  /** Whether a new entity starts here, also after one with the same label. */
  readonly starts: boolean;
  /** Whether no entity goes on after this one. */
  readonly ends: boolean;
};

/** Splits a tag into prefix and label; a tag without a prefix of the scheme continues what has the same label. */
export const readTag = (tag: string, scheme: TagScheme): Tag => {
  const prefix = { BIO: /^[BI]-/, BIOES: /^[BIELSU]-/, none: undefined }[scheme]?.exec(tag)?.[0];
  if (prefix === undefined) return { label: tag, starts: false, ends: false };
  const isSingle = prefix === "S-" || prefix === "U-";
  return {
    label: tag.slice(prefix.length),
    starts: prefix === "B-" || isSingle,
    ends: isSingle || prefix === "E-" || prefix === "L-",
  };
};
