import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { createFile } from "#platform/blobs/atomic-file.ts";
import { toDataFolderError } from "#platform/errors/data-folder-unusable.ts";
import type { Signer } from "#platform/signer/signer.ts";
import {
  type Anchor,
  AnchoredHead,
  type Anchors,
  parseAnchorName,
  sortAnchors,
  toAnchorName,
} from "./anchors.ts";

/** The signed text names its purpose, so that no other signature of the key is one of an anchor. */
const purpose = "slipway-audit-anchor/1";
const SignedAnchor = AnchoredHead.extend({ purpose: z.literal(purpose), at: z.int() });
const AnchorFile = z.object({
  signed: z.string().max(1_000),
  keyId: z.string().max(2_048),
  signature: z.base64().max(2_000),
});

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** A file for each anchor, `<folder>/<model>/<sequence>-<hash>.json`, signed by the data folder's key. */
export const createFileAnchors = ({
  folder,
  signer,
  clock,
}: {
  readonly folder: string;
  readonly signer: Signer;
  readonly clock: () => number;
}): Anchors => {
  const listNames = async (model: string): Promise<readonly string[]> => {
    try {
      return (await readdir(join(folder, model))).filter((name) => !name.endsWith(".tmp")).toSorted();
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
      throw toDataFolderError(join(folder, model), error);
    }
  };

  /** Undefined: the file is not as `put` wrote it. */
  const readAnchor = async (model: string, name: string): Promise<Anchor | undefined> => {
    const place = join(folder, model, name);
    const head = parseAnchorName(model, name);
    // A folder, or a file that the account may not read, is no anchor either.
    const text = await readFile(place, "utf8").catch(() => "");
    const file = AnchorFile.safeParse(parseJson(text)).data;
    if (!head || !file) return undefined;
    const { signed, keyId, signature } = file;
    if (!(await signer.verify(Buffer.from(signed), { keyId, signature: Buffer.from(signature, "base64") })))
      return undefined;
    const anchor = SignedAnchor.safeParse(parseJson(signed)).data;
    const isSame =
      anchor?.model === head.model && anchor.sequence === head.sequence && anchor.hash === head.hash;
    if (!anchor || !isSame) return undefined;
    return { ...head, at: anchor.at, place, lockedUntil: null, signature: { keyId, signed, signature } };
  };

  return {
    put: async (head) => {
      const { model, sequence, hash } = AnchoredHead.parse(head);
      const signed = JSON.stringify({ purpose, model, sequence, hash, at: clock() });
      const { keyId, signature } = await signer.sign(Buffer.from(signed));
      const file = { signed, keyId, signature: Buffer.from(signature).toString("base64") };
      await createFile(join(folder, model, toAnchorName(head)), [
        Buffer.from(`${JSON.stringify(file, undefined, 2)}\n`),
      ]);
    },

    list: async (model) => {
      const anchors: Anchor[] = [];
      const invalid: string[] = [];
      for (const name of await listNames(AnchoredHead.shape.model.parse(model))) {
        const anchor = await readAnchor(model, name);
        if (anchor) anchors.push(anchor);
        else
          invalid.push(
            `${join(folder, model, name)} is not an anchor with a valid signature of this data folder's key`,
          );
      }
      return { anchors: sortAnchors(anchors), invalid };
    },
  };
};
