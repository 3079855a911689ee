import { chmod, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cipherContract } from "#test/contracts/cipher.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { CipherRefused } from "./cipher.ts";
import { createKeyFileCipher } from "./key-file.ts";

cipherContract("key file", async () => {
  const folder = await createTemporaryFolder();
  return { cipher: createKeyFileCipher({ file: join(folder.path, "key") }), close: folder.remove };
});

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let file: string;
beforeEach(async () => {
  folder = await createTemporaryFolder();
  file = join(folder.path, "made", "key");
});
afterEach(() => folder.remove());

test("only the owner can read the key file, and no temporary file remains", async () => {
  await createKeyFileCipher({ file }).encrypt("x", { a: "b" });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(join(folder.path, "made"))).toEqual(["key"]);
});

test("ciphers that create the key file concurrently use the same key", async () => {
  const ciphers = Array.from({ length: 10 }, () => createKeyFileCipher({ file }));
  const ciphertexts = await Promise.all(ciphers.map((cipher) => cipher.encrypt("x", { a: "b" })));
  for (const ciphertext of ciphertexts)
    expect(await createKeyFileCipher({ file }).decrypt(ciphertext, { a: "b" })).toBe("x");
});

test("another key does not decrypt a text", async () => {
  const ciphertext = await createKeyFileCipher({ file }).encrypt("x", { a: "b" });
  const other = createKeyFileCipher({ file: join(folder.path, "other") });
  await expect(other.decrypt(ciphertext, { a: "b" })).rejects.toThrow(CipherRefused);
});

test("an invalid key file is reported and not replaced", async () => {
  const broken = join(folder.path, "broken");
  await writeFile(broken, "short\n");
  await chmod(broken, 0o600);
  await expect(createKeyFileCipher({ file: broken }).encrypt("x", {})).rejects.toMatchObject({
    name: "DataFolderUnusable",
    message: expect.stringMatching(/broken holds no key of 32 bytes/),
  });
});
