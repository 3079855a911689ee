import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import { Advisories } from "#platform/images/advisories.ts";
import { selectAdvisories } from "./select-advisories.ts";

const script = fileURLToPath(new URL("./advisories.ts", import.meta.url));
const fixture = await readFile(
  new URL("../platform/images/fixtures/GHSA-xvch-5gv4-984h.json", import.meta.url),
  "utf8",
);
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of cleanups.splice(0)) await step();
});
const createFolder = async () => {
  const folder = await mkdtemp(join(tmpdir(), "slipway-advisories-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
};
const run = (...options: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [script, ...options], (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
    );
  });

const record = (id: string, name: string, over: object = {}) => ({
  id,
  modified: "2026-10-01T00:00:00Z",
  details: "long",
  affected: [
    { package: { ecosystem: "npm", name }, ranges: [{ type: "SEMVER", events: [{ introduced: "0" }] }] },
  ],
  ...over,
});
async function* yieldAll(...records: object[]) {
  yield* records;
}

/** A zip archive of stored files, by the format's specification (APPNOTE 6.3.10, sections 4.3.7, 4.3.12, 4.3.16). */
const zip = (files: Record<string, string>): Buffer => {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const [path, bytes] = [Buffer.from(name), Buffer.from(content)];
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(bytes.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(path.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, path, bytes]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([Buffer.from("PK\x01\x02"), Buffer.from([20, 0]), common, tail, path]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(central.length, 4);
  end.writeUInt16LE(central.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, directory, Buffer.from("PK\x05\x06"), end]);
};

test("an archive and a folder with the same records give the same file, with the date of the newest record", async () => {
  const folder = await createFolder();
  const files = {
    // A package that is in no lock file.
    "GHSA-xvch-5gv4-984h.json": fixture.replaceAll("minimist", "in-no-lock-file"),
    "GHSA-zod.json": JSON.stringify(record("GHSA-zod", "zod", { modified: "2026-11-02T10:00:00Z" })),
    "readme.txt": "no record",
  };
  await writeFile(join(folder, "all.zip"), zip(files));
  await mkdir(join(folder, "records"));
  for (const [name, content] of Object.entries(files))
    await writeFile(join(folder, "records", name), content);

  const outputs = [];
  for (const from of ["all.zip", "records"]) {
    const out = join(folder, "out", `${from}.json`);
    const { code, stdout } = await run("--from", join(folder, from), "--out", out);
    expect([code, stdout]).toEqual([0, expect.stringContaining("1 advisories for")]);
    outputs.push(await readFile(out, "utf8"));
  }
  expect(outputs[0]).toBe(outputs[1]);
  const result = Advisories.parse(JSON.parse(outputs[0] ?? ""));
  expect(result.asOf).toBe("2026-11-02T10:00:00.000Z");
  expect(result.advisories.map(({ id }) => id)).toEqual(["GHSA-zod"]);
  expect(result.packages).toContain("onnxruntime-node");
});

test.each([
  ["an empty folder", {}],
  [
    "a folder without npm records",
    { "a.json": JSON.stringify({ id: "X", modified: "2026-01-01T00:00:00Z" }) },
  ],
  ["a broken record", { "a.json": "{" }],
  ["a file that is no record", { "a.json": "[]" }],
])("%s is an error and writes no file", async (_name, files: Record<string, string>) => {
  const folder = await createFolder();
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const out = join(folder, "out");
  const { code, stderr } = await run("--from", folder, "--out", join(out, "npm.json"));
  expect([code, stderr]).toEqual([1, expect.stringContaining("No advisories were written")]);
  expect(await readdir(out).catch(() => [])).toEqual([]);
});

test("an invalid or truncated archive is an error and writes no file", async () => {
  const folder = await createFolder();
  const whole = zip({ "a.json": fixture, "b.json": fixture });
  for (const bytes of [Buffer.from("text"), whole.subarray(0, whole.length - 40)]) {
    await writeFile(join(folder, "all.zip"), bytes);
    const { code, stderr } = await run("--from", join(folder, "all.zip"), "--out", join(folder, "npm.json"));
    expect([code, stderr]).toEqual([1, expect.stringContaining("No advisories were written")]);
  }
  expect(await readdir(folder)).toEqual(["all.zip"]);
});

test("only the selected packages' advisories are kept, without withdrawn ones and without details", async () => {
  const result = await selectAdvisories(
    yieldAll(
      record("B", "zod"),
      record("A", "zod"),
      record("C", "other"),
      record("D", "zod", { withdrawn: "2026-10-02T00:00:00Z" }),
      record("E", "zod", { affected: [{ package: { ecosystem: "PyPI", name: "zod" } }] }),
    ),
    new Set(["zod", "hono"]),
  );
  expect(result.advisories.map(({ id }) => id)).toEqual(["A", "B"]);
  expect(result.packages).toEqual(["hono", "zod"]);
  expect(JSON.stringify(result)).not.toContain("details");
});
