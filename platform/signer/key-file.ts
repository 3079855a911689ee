import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { createFile } from "#platform/blobs/atomic-file.ts";
import { loadOnce } from "#platform/secrets/load-once.ts";
import { DataFolderUnusable, toDataFolderError } from "#platform/store/data-folder-unusable.ts";
import type { Signer } from "./signer.ts";

type Keys = { readonly id: string; readonly privateKey: KeyObject; readonly publicKey: KeyObject };

/** Bits of a file's mode that let anyone but its owner read or write it. */
const otherUsersMode = 0o077;

const readKeys = async (file: string): Promise<Keys | undefined> => {
  let pem: string;
  try {
    if (((await stat(file)).mode & otherUsersMode) !== 0)
      throw new DataFolderUnusable(
        `${file} can be read or written by others than its owner, so its signatures prove nothing. Run: chmod 600 ${file}`,
      );
    pem = await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error instanceof DataFolderUnusable ? error : toDataFolderError(file, error);
  }
  try {
    const privateKey = createPrivateKey(pem);
    if (privateKey.asymmetricKeyType !== "ed25519") throw new TypeError("not an Ed25519 key");
    const publicKey = createPublicKey(privateKey);
    const spki = publicKey.export({ type: "spki", format: "der" });
    return { id: `sha256:${createHash("sha256").update(spki).digest("hex")}`, privateKey, publicKey };
  } catch (cause) {
    throw new DataFolderUnusable(
      `${file} holds no private key (Ed25519, PEM). Put the key file back, or start over with --fresh.`,
      { cause },
    );
  }
};

/** The key in the file, made at first use (mode 0600). Of several processes one makes it, all read that one. */
const loadOrCreateKeys = async (file: string): Promise<Keys> => {
  const present = await readKeys(file);
  if (present !== undefined) return present;
  const { privateKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({ type: "pkcs8", format: "pem" });
  await createFile(file, [Buffer.from(pem)], { mode: 0o600 });
  const made = await readKeys(file);
  if (made === undefined) throw new DataFolderUnusable(`${file} was removed while it was made. Start again.`);
  return made;
};

/** Ed25519 (RFC 8032) under the key in `file`; the key's id is the SHA-256 of its public key (SPKI, DER). */
export const createKeyFileSigner = ({ file }: { readonly file: string }): Signer => {
  const keys = loadOnce(() => loadOrCreateKeys(file));
  return {
    sign: async (bytes) => {
      const { id, privateKey } = await keys();
      return { keyId: id, signature: sign(null, bytes, privateKey) };
    },
    verify: async (bytes, { keyId, signature }) => {
      const { id, publicKey } = await keys();
      return keyId === id && verify(null, bytes, publicKey, signature);
    },
    publicKey: async () => String((await keys()).publicKey.export({ type: "spki", format: "pem" })),
  };
};
