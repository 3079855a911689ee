import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { GitHubRefused } from "#platform/source/github/github-client.ts";
import { runGit } from "#platform/source/run-git.ts";
import { ArtifactMissing, type ArtifactReference, ArtifactUnreachable, LfsUnavailable } from "./artifacts.ts";
import type { HttpsReader } from "./https-reader.ts";

type LfsReference = Extract<ArtifactReference, { kind: "lfs" }>;

/** Opens the object of a pointer, unverified. */
export type OpenLfsObject = (reference: LfsReference) => AsyncIterable<Uint8Array>;

/** Objects that `git lfs` has in this machine's repository. https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md */
export const createLocalLfs = ({ repository }: { readonly repository: string }): OpenLfsObject =>
  async function* ({ file, sha256 }) {
    const { code, stdout } = await runGit(repository)([
      "rev-parse",
      "--path-format=absolute",
      "--git-common-dir",
    ]);
    const objects = code === 0 ? join(stdout.toString("utf8").trim(), "lfs", "objects") : undefined;
    const path = objects && join(objects, sha256.slice(0, 2), sha256.slice(2, 4), sha256);
    const handle =
      path && (await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => undefined));
    if (!handle)
      throw new ArtifactMissing(
        `${file} is a Git LFS pointer, and its object ${sha256.slice(0, 12)}… is not on this machine: run \`git lfs pull\` (and in the repository that a rehearsal watches \`git lfs fetch --all\`).`,
      );
    yield* handle.createReadStream();
  };

const Batch = z.object({
  objects: z
    .array(
      z.object({
        oid: z.string(),
        actions: z
          .object({
            download: z
              .object({ href: z.string(), header: z.record(z.string(), z.string()).optional() })
              .optional(),
          })
          .optional(),
        error: z.object({ code: z.number(), message: z.string().default("") }).optional(),
      }),
    )
    .length(1),
});

const mediaType = "application/vnd.git-lfs+json";
const batchLimitMs = 30_000;

type GitHubLfsDependencies = {
  /** `owner/name`. */
  readonly repository: string;
  /** A token that may read the repository's contents. */
  readonly token: () => Promise<string>;
  readonly fetch: typeof globalThis.fetch;
  readonly https: HttpsReader;
  /** The REST API's address, as GitHub's client takes it. */
  readonly api?: string | undefined;
};

/**
 * Objects of a repository on GitHub. GitHub names the address of each object, so its host needs no entry in the policy;
 * it must be public all the same. The token goes to GitHub alone.
 * https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
 */
export const createGitHubLfs = ({
  repository,
  token,
  fetch,
  https,
  api = "https://api.github.com",
}: GitHubLfsDependencies): OpenLfsObject => {
  const host = api === "https://api.github.com" ? "https://github.com" : api.replace(/\/api\/v3$/, "");
  const batch = `${host}/${repository}.git/info/lfs/objects/batch`;

  const findDownload = async ({ file, sha256, size }: LfsReference) => {
    const response = await fetch(batch, {
      method: "POST",
      headers: {
        accept: mediaType,
        "content-type": mediaType,
        "user-agent": "slipway",
        // https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app: git takes a token as a password.
        authorization: `Basic ${Buffer.from(`x-access-token:${await token()}`).toString("base64")}`,
      },
      body: JSON.stringify({ operation: "download", transfers: ["basic"], objects: [{ oid: sha256, size }] }),
      redirect: "error",
      signal: AbortSignal.timeout(batchLimitMs),
    }).catch((error: unknown) => {
      throw new ArtifactUnreachable(`${batch} does not answer: ${String(error)}. Deliver again later.`, {
        cause: error,
      });
    });
    if (response.status === 429 || response.status >= 500)
      throw new ArtifactUnreachable(`${batch} answers with ${response.status}: deliver again later.`);
    if (!response.ok)
      throw new GitHubRefused(
        `GitHub refused ${batch} with ${response.status}: ${(await response.text()).slice(0, 300)}`,
      );
    const parsed = Batch.safeParse(await response.json().catch(() => undefined));
    const [object] = parsed.success ? parsed.data.objects : [];
    if (object?.oid !== sha256)
      throw new ArtifactUnreachable(`${batch} does not answer in the form of Git LFS: deliver again later.`);
    const download = object.actions?.download;
    if (object.error || !download)
      throw new ArtifactMissing(
        `${file} is a Git LFS pointer, and GitHub has no object ${sha256.slice(0, 12)}…${object.error ? ` (${object.error.code} ${object.error.message.slice(0, 200)})` : ""}: run \`git lfs push --all origin\`.`,
      );
    return download;
  };

  return async function* (reference) {
    const { href, header } = await findDownload(reference);
    if (!URL.canParse(href))
      throw new ArtifactUnreachable(`${batch} names no address for ${reference.file}: deliver again later.`);
    yield* https(href, { isAllowed: () => true, headers: header ?? {} });
  };
};

/** A host without Git LFS. */
export const refuseLfs = (host: string): OpenLfsObject =>
  // biome-ignore lint/correctness/useYield: it only throws
  async function* ({ file }) {
    throw new LfsUnavailable(
      `${file} is a Git LFS pointer, and ${host} has no Git LFS: commit the file itself, or name it in model.yaml as artifact: { uri, sha256 } in an allowed bucket.`,
    );
  };
