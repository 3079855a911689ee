import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import yauzl from "yauzl";

/** A record has some kilobytes, so a file near this limit is not a record. */
const recordLimit = 16 * 1024 * 1024;

/** The database's archive or folder is missing or invalid. */
export class OsvUnreadable extends Error {
  override readonly name = "OsvUnreadable";
}

const parseRecord = (name: string, json: string): unknown => {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new OsvUnreadable(`${name} is not valid JSON`, { cause: error });
  }
};

const openZip = (path: string): Promise<yauzl.ZipFile> =>
  new Promise((resolve, reject) => {
    yauzl.open(path, { lazyEntries: true, autoClose: true }, (error, zip) => {
      if (error)
        reject(new OsvUnreadable(`${path} is not a zip archive: ${error.message}`, { cause: error }));
      else resolve(zip);
    });
  });

const nextEntry = async (zip: yauzl.ZipFile): Promise<yauzl.Entry | undefined> => {
  const next = Promise.withResolvers<yauzl.Entry | undefined>();
  const onEnd = () => next.resolve(undefined);
  zip.on("entry", next.resolve).on("end", onEnd).on("error", next.reject);
  zip.readEntry();
  try {
    return await next.promise;
  } catch (error) {
    throw new OsvUnreadable(`the archive is damaged: ${String(error)}`, { cause: error });
  } finally {
    zip.off("entry", next.resolve).off("end", onEnd).off("error", next.reject);
  }
};

const readEntryText = (zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<string> =>
  new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => {
      if (error) reject(error);
      else text(stream).then(resolve, reject);
    });
  });

async function* readRecordsFromZip(path: string): AsyncGenerator<unknown> {
  const zip = await openZip(path);
  for (let entry = await nextEntry(zip); entry; entry = await nextEntry(zip)) {
    if (!entry.fileName.endsWith(".json")) continue;
    if (entry.uncompressedSize > recordLimit)
      throw new OsvUnreadable(`${entry.fileName} is too large for a record`);
    yield parseRecord(entry.fileName, await readEntryText(zip, entry));
  }
}

async function* readRecordsFromFolder(path: string): AsyncGenerator<unknown> {
  for (const name of (await readdir(path, { recursive: true })).sort()) {
    if (!name.endsWith(".json")) continue;
    yield parseRecord(name, await readFile(join(path, name), "utf8"));
  }
}

/** Reads all records of an OSV database from its zip archive or a folder of JSON files. Throws OsvUnreadable. */
export const readOsvRecords = async function* (path: string): AsyncGenerator<unknown> {
  const stats = await stat(path).catch((error: unknown) => {
    throw new OsvUnreadable(`${path} cannot be read`, { cause: error });
  });
  yield* stats.isDirectory() ? readRecordsFromFolder(path) : readRecordsFromZip(path);
};
