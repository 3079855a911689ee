import { chmod, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { signerContract } from "#test/contracts/signer.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { createKeyFileSigner } from "./key-file.ts";

signerContract("key file", async () => {
  const folder = await createTemporaryFolder();
  const signer = (name: string) => createKeyFileSigner({ file: join(folder.path, name) });
  return {
    signer: signer("key"),
    elsewhere: signer("key"),
    other: signer("other"),
    close: folder.remove,
  };
});

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let file: string;
beforeEach(async () => {
  folder = await createTemporaryFolder();
  file = join(folder.path, "made", "key");
});
afterEach(() => folder.remove());
const bytes = Buffer.from("statement");

test("only the owner can read the key file, and no temporary file remains", async () => {
  await createKeyFileSigner({ file }).sign(bytes);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(join(folder.path, "made"))).toEqual(["key"]);
});

test("signers that create the key file concurrently use the same key", async () => {
  const signers = Array.from({ length: 10 }, () => createKeyFileSigner({ file }));
  const signatures = await Promise.all(signers.map((signer) => signer.sign(bytes)));
  expect(new Set(signatures.map(({ keyId }) => keyId)).size).toBe(1);
});

test("a key file that other users can read or write is refused", async () => {
  await createKeyFileSigner({ file }).sign(bytes);
  await chmod(file, 0o640);
  await expect(createKeyFileSigner({ file }).sign(bytes)).rejects.toMatchObject({
    name: "DataFolderUnusable",
    message: expect.stringContaining("chmod 600"),
  });
});

test("an invalid key file is reported and not replaced", async () => {
  const broken = join(folder.path, "broken");
  await writeFile(broken, "short\n", { mode: 0o600 });
  await expect(createKeyFileSigner({ file: broken }).sign(bytes)).rejects.toMatchObject({
    name: "DataFolderUnusable",
    message: expect.stringMatching(/broken holds no private key/),
  });
});
