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
import { loadOrCreateFile } from "#platform/blobs/load-or-create-file.ts";
import { DataFolderUnusable, toDataFolderError } from "#platform/errors/data-folder-unusable.ts";
import { loadOnce } from "#platform/secrets/load-once.ts";
import type { Signer } from "./signer.ts";

type Keys = { readonly id: string; readonly privateKey: KeyObject; readonly publicKey: KeyObject };

/** Bits of a file's mode that let other users than the owner read or write it. */
const otherUsersMode = 0o077;

const readKeys = async (file: string): Promise<Keys | undefined> => {
  let pem: string;
  try {
    if (((await stat(file)).mode & otherUsersMode) !== 0)
      throw new DataFolderUnusable(
        `Other users can read or write ${file}, so its signatures prove nothing. Run: chmod 600 ${file}`,
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
      `${file} holds no private key (Ed25519, PEM). Restore the key file, or start over with --fresh.`,
      { cause },
    );
  }
};

const createPrivateKeyPem = (): Buffer =>
  Buffer.from(generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }));

/** Ed25519 (RFC 8032) with the key in `file`; the key's id is the SHA-256 of its public key (SPKI, DER). */
export const createKeyFileSigner = ({ file }: { readonly file: string }): Signer => {
  const keys = loadOnce(() => loadOrCreateFile(file, { read: readKeys, create: createPrivateKeyPem }));
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
