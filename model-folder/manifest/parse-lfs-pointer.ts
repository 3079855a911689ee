/** A Git LFS pointer: the file that git has in place of the content. */
type LfsPointer = {
  /** SHA-256 of the content, hexadecimal. */
  readonly sha256: string;
  /** Bytes of the content. */
  readonly size: number;
};

type ParsedPointer =
  | { readonly kind: "content" }
  | { readonly kind: "malformed" }
  | ({ readonly kind: "pointer" } & LfsPointer);

/** No pointer is larger. https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md */
export const maxPointerBytes = 1_024;

const start = "version https://git-lfs.github.com/spec/";
const pointer =
  /^version https:\/\/git-lfs\.github\.com\/spec\/v1\noid sha256:(?<sha256>[0-9a-f]{64})\nsize (?<size>0|[1-9][0-9]{0,15})\n$/;

/**
 * Reads a committed file as a pointer. `content`: it is none. `malformed`: it starts as one and is not valid, or has
 * extensions, which only the program that wrote them can undo.
 */
export const parseLfsPointer = (bytes: Uint8Array): ParsedPointer => {
  const begin = Buffer.from(
    bytes.buffer,
    bytes.byteOffset,
    Math.min(bytes.byteLength, maxPointerBytes + 1),
  ).toString("latin1");
  if (!begin.startsWith(start)) return { kind: "content" };
  const groups = bytes.byteLength > maxPointerBytes ? undefined : pointer.exec(begin)?.groups;
  const size = Number(groups?.size);
  if (groups?.sha256 === undefined || !Number.isSafeInteger(size)) return { kind: "malformed" };
  return { kind: "pointer", sha256: groups.sha256, size };
};
