import { createHash } from "node:crypto";
import { parse as parseYaml } from "yaml";
import { parseGolden } from "../inference/check/parse-golden.ts";
import { type Holdout, parseHoldout } from "../inference/check/parse-holdout.ts";
import { ManifestInvalid } from "../inference/manifest/folder-problem.ts";
import type { Golden, Manifest } from "../inference/manifest/manifest.ts";
import { readManifest } from "../inference/manifest/read-manifest.ts";
import type { Source } from "../platform/source/source.ts";
import { Policy } from "./policy/policy.ts";
import { type RulesInForce, rulesInForce } from "./policy/rules-in-force.ts";

/** A model's folder as it was committed. */
export type CommittedModel = {
  readonly manifest: Manifest;
  readonly manifestText: string;
  readonly golden: Golden;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Content hash of every file, by its name. */
  readonly hashes: Readonly<Record<string, string>>;
};

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A file that every model's folder has; without it the delivery ends as `slipway check` would. */
const needed = (
  files: ReadonlyMap<string, Uint8Array>,
  file: string,
  model: string,
  commit: string,
): Uint8Array => {
  const bytes = files.get(file);
  if (bytes) return bytes;
  const message = `models/${model}/${file} is not there at ${commit.slice(0, 12)}`;
  throw new ManifestInvalid([{ severity: "error", file, path: "", message, remedy: "Commit it." }]);
};

type Options = {
  /**
   * True where prod serves this commit, or served it: it was accepted by the check of its day, and limits that came
   * later must not keep it from being served, rolled back to or compared with.
   */
  readonly promoted?: boolean;
};

/**
 * Reads `models/<model>/` at a commit that the build's check accepted, in a process with limits of its own. Those limits
 * on bytes and structure hold here as well, before anything is parsed: in AWS this is the function's own process, whose
 * memory and time-out are its sandbox, and a refusal is a named error where a crash would be none.
 * Throws ManifestInvalid or ModelUnreadable as `slipway check` would.
 */
export const committedModel =
  ({ source }: { source: Source }) =>
  async (model: string, commit: string, { promoted = false }: Options = {}): Promise<CommittedModel> => {
    const files = await source.modelFiles(model, commit);
    const manifestBytes = needed(files, "model.yaml", model, commit);
    const manifest = readManifest(manifestBytes, { promoted });
    const manifestText = text(manifestBytes);
    return {
      manifest,
      manifestText,
      golden: parseGolden(needed(files, "golden.json", model, commit), manifest, { promoted }),
      files,
      hashes: Object.fromEntries(
        [...files].map(([name, bytes]) => [name, createHash("sha256").update(bytes).digest("hex")]),
      ),
    };
  };

/** The rows that the model is measured on, with their truth. */
export const holdoutOf = ({ files, manifest }: CommittedModel, model: string, commit: string): Holdout =>
  parseHoldout(needed(files, "holdout.csv", model, commit), manifest);

/** The platform's floor at a commit: `policy.yaml` at the repository's root. */
export const platformPolicy =
  ({ source }: { source: Source }) =>
  async (commit: string): Promise<Policy> => {
    const bytes = await source.file("policy.yaml", commit);
    if (!bytes)
      throw new PolicyInvalid(`policy.yaml is not at the repository's root at ${commit.slice(0, 12)}`);
    const policy = Policy.safeParse(parseYaml(text(bytes)));
    if (policy.success) return policy.data;
    const issues = policy.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    throw new PolicyInvalid(`policy.yaml at ${commit.slice(0, 12)}: ${issues.join("; ")}`);
  };

export class PolicyInvalid extends Error {
  override readonly name = "PolicyInvalid";
}

export type Judged = {
  readonly challenger: CommittedModel;
  readonly champion: CommittedModel | undefined;
  readonly rules: RulesInForce;
};

/**
 * The rules that a delivery is judged by: the strictest of the platform's floor, the champion's manifest and the
 * challenger's own.
 * @param championCommit the commit that prod serves, by the ledger
 */
export const judgedBy =
  (needs: { source: Source }) =>
  async (
    model: string,
    commit: string,
    championCommit: string | undefined,
    options: Options = {},
  ): Promise<Judged> => {
    const challenger = await committedModel(needs)(model, commit, options);
    const champion =
      championCommit === undefined
        ? undefined
        : await committedModel(needs)(model, championCommit, { promoted: true });
    const floor = await platformPolicy(needs)(commit);
    return {
      challenger,
      champion,
      rules: rulesInForce({ floor, champion: champion?.manifest, challenger: challenger.manifest }),
    };
  };
