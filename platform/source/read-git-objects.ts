import { GitFailed, streamGit } from "./run-git.ts";

/** `id`: of a blob. `bytes`: its size. */
type GitObject = { readonly id: string; readonly bytes: number; readonly path: string };

/** Reads a stream in parts of known lengths. `end`: throws if there is less than asked for. */
const createPartReader = (stream: AsyncGenerator<Uint8Array, void, undefined>, end: () => Error) => {
  let rest = Buffer.alloc(0);
  const readMore = async () => {
    const next = await stream.next();
    if (next.done) throw end();
    rest = rest.length === 0 ? Buffer.from(next.value) : Buffer.concat([rest, next.value]);
  };
  return {
    async line(): Promise<string> {
      while (!rest.includes(0x0a)) await readMore();
      const length = rest.indexOf(0x0a);
      const line = rest.toString("utf8", 0, length);
      rest = rest.subarray(length + 1);
      return line;
    },
    async *bytes(count: number): AsyncGenerator<Uint8Array, void, undefined> {
      for (let left = count; left > 0; ) {
        if (rest.length === 0) await readMore();
        const part = rest.subarray(0, left);
        rest = rest.subarray(part.length);
        left -= part.length;
        yield part;
      }
    },
  };
};

/**
 * Gives `use` a function that streams one object after the other, in the order of `wanted`, all from one process of git.
 * Its output has per object a line `<id> <type> <size>`, the bytes and a newline. Throws GitFailed.
 */
export const readGitObjects = async <T>(
  repository: string,
  wanted: readonly GitObject[],
  use: (open: (object: GitObject) => AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> => {
  const input = wanted.map(({ id }) => `${id}\n`).join("");
  const output = streamGit(repository)(["cat-file", "--batch"], { input });
  let current = "the first object";
  const reader = createPartReader(
    output,
    () => new GitFailed(`git could not read ${current}: its output ended early. Run \`git fsck\`.`),
  );
  const open = async function* ({ id, bytes, path }: GitObject): AsyncGenerator<Uint8Array, void, undefined> {
    current = path;
    const header = await reader.line();
    if (header !== `${id} blob ${bytes}`)
      throw new GitFailed(`git could not read ${path}: ${header}. Run \`git fsck\`.`);
    yield* reader.bytes(bytes);
    await reader.line();
  };
  try {
    const result = await use(open);
    // To its end: only then is the exit code known.
    for await (const _ of output);
    return result;
  } finally {
    await output.return();
  }
};
