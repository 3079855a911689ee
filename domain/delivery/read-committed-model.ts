import { holdoutFile } from "#domain/policy/describe-changed-files.ts";
import { parsePolicy } from "#domain/policy/parse-policy.ts";
import type { PlatformPolicy } from "#domain/policy/platform-policy.ts";
import type { Policy } from "#domain/policy/policy.ts";
import { computeRulesInForce, type RulesInForce } from "#domain/policy/rules-in-force.ts";
import { ManifestInvalid } from "#model-folder/manifest/folder-problem.ts";
import { listGatedScores } from "#model-folder/manifest/list-measurable-scores.ts";
import type { Golden, Manifest, Row } from "#model-folder/manifest/manifest.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import type { Holdout } from "#model-folder/rows/holdout.ts";
import { parseGolden } from "#model-folder/rows/parse-golden.ts";
import { parseHoldout } from "#model-folder/rows/parse-holdout.ts";
import type { Source } from "#platform/source/source.ts";

/** What a registration needs of a model's folder at a commit. */
type CommittedModel = {
  readonly manifest: Manifest;
  readonly manifestText: string;
  /** The small files: model.yaml, golden.json and, if they exist, metrics.json and the tokenizer. */
  readonly files: ReadonlyMap<string, Uint8Array>;
};

const decodeText = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Throws the same error as `slipway check`. */
const requireFile = <Content>(
  files: ReadonlyMap<string, Content>,
  file: string,
  model: string,
  commit: string,
): Content => {
  const bytes = files.get(file);
  if (bytes) return bytes;
  const message = `models/${model}/${file} is not there at ${commit.slice(0, 12)}`;
  throw new ManifestInvalid([{ severity: "error", file, path: "", message, remedy: "Commit it." }]);
};

type Options = {
  /** True for a commit that prod serves or served: newer limits must not block serving, rollback or comparison. */
  readonly promoted?: boolean;
};

/**
 * Reads a model's manifest at a commit. The build's check has already accepted it in a limited process. The same limits on
 * bytes and structure apply here before anything is parsed, so that a hostile folder leads to a named error and not to a
 * crash of the function. Throws ManifestInvalid, as `slipway check` does.
 */
export const readCommittedManifest =
  ({ source }: { source: Source }) =>
  async (model: string, commit: string, { promoted = false }: Options = {}): Promise<Manifest> => {
    const files = await source.modelFiles(model, commit, ["model.yaml"]);
    return readManifest(requireFile(files, "model.yaml", model, commit), { promoted });
  };

type RowsOptions = Options & {
  /** The commit's manifest, where the caller has read it: then it is not read again. */
  readonly manifest?: Manifest;
};

/** What the model predicted at training. Throws ManifestInvalid as `slipway check` does. */
export const readCommittedGolden =
  ({ source }: { source: Source }) =>
  async (model: string, commit: string, options: RowsOptions = {}): Promise<Golden> => {
    const { promoted = false } = options;
    const file = "golden.json";
    const files = await source.modelFiles(model, commit, options.manifest ? [file] : ["model.yaml", file]);
    const manifest =
      options.manifest ?? readManifest(requireFile(files, "model.yaml", model, commit), { promoted });
    return parseGolden(requireFile(files, file, model, commit), manifest, { promoted });
  };

/**
 * The rows that the model is measured on, with their truth; undefined where the commit has none and its manifest has no
 * gate that needs them. Throws ManifestInvalid as `slipway check` does.
 */
export const readCommittedHoldout =
  ({ source }: { source: Source }) =>
  async (model: string, commit: string, options: RowsOptions = {}): Promise<Holdout | undefined> => {
    const { promoted = false } = options;
    const files = await source.modelFiles(
      model,
      commit,
      options.manifest ? [holdoutFile] : ["model.yaml", holdoutFile],
    );
    const manifest =
      options.manifest ?? readManifest(requireFile(files, "model.yaml", model, commit), { promoted });
    const bytes =
      listGatedScores(manifest).length === 0
        ? files.get(holdoutFile)
        : requireFile(files, holdoutFile, model, commit);
    return bytes && parseHoldout(bytes, manifest, { promoted });
  };

/** Valid rows of a version: those of its holdout, or its golden rows where it has none. */
export const readCommittedRows =
  ({ source }: { source: Source }) =>
  async (model: string, commit: string, options: RowsOptions = {}): Promise<readonly Row[]> =>
    (
      (await readCommittedHoldout({ source })(model, commit, options)) ??
      (await readCommittedGolden({ source })(model, commit, options))
    ).rows;

/** Reads what a registration needs of `models/<model>/` at a commit. Throws ManifestInvalid as `slipway check` does. */
export const readCommittedModel =
  ({ source }: { source: Source }) =>
  async (model: string, commit: string): Promise<CommittedModel> => {
    const files = await source.modelFiles(model, commit, ["model.yaml", "golden.json", "metrics.json"]);
    const manifestBytes = requireFile(files, "model.yaml", model, commit);
    const manifest = readManifest(manifestBytes);
    parseGolden(requireFile(files, "golden.json", model, commit), manifest);
    const tokenizer = manifest.tokenizer
      ? await source.modelFiles(model, commit, [manifest.tokenizer.file])
      : new Map<string, Uint8Array>();
    return { manifest, manifestText: decodeText(manifestBytes), files: new Map([...files, ...tokenizer]) };
  };

/** Undefined: the commit has no policy.yaml, so it tightens nothing. Throws PolicyInvalid. */
export const readCommittedPolicy =
  ({ source }: { source: Source }) =>
  async (commit: string): Promise<Policy | undefined> => {
    const bytes = await source.file("policy.yaml", commit);
    return bytes && parsePolicy(bytes, `policy.yaml at ${commit.slice(0, 12)}`);
  };

export type LoadRulesDependencies = {
  readonly source: Source;
  readonly policy: Pick<PlatformPolicy, "read">;
};

type LoadedRules = {
  readonly challenger: Manifest;
  readonly champion: Manifest | undefined;
  readonly rules: RulesInForce;
};

/** The manifest of another model would apply that model's rules. Champions are exempt: they were promoted before this check. */
const assertManifestName = (model: string, { name }: Manifest): void => {
  if (name === model) return;
  throw new ManifestInvalid([
    {
      severity: "error",
      file: "model.yaml",
      path: "name",
      message: `the manifest in models/${model}/ is of ${name}`,
      remedy: `Write name: ${model}, or rename the folder.`,
    },
  ]);
};

/**
 * The rules of a delivery: the strictest of the platform's copy of the policy, the commit's policy.yaml, the champion's
 * manifest and the challenger's. Throws PolicyMissing without a platform's copy: the commit's policy never replaces it.
 * @param championCommit the commit that prod serves, from the ledger
 */
export const loadRules =
  ({ source, policy }: LoadRulesDependencies) =>
  async (model: string, commit: string, championCommit: string | undefined): Promise<LoadedRules> => {
    const { floor: platform } = await policy.read();
    const challenger = await readCommittedManifest({ source })(model, commit);
    assertManifestName(model, challenger);
    const champion =
      championCommit === undefined
        ? undefined
        : await readCommittedManifest({ source })(model, championCommit, { promoted: true });
    const committed = await readCommittedPolicy({ source })(commit);
    return {
      challenger,
      champion,
      rules: computeRulesInForce({ platform, committed, champion, challenger }),
    };
  };
