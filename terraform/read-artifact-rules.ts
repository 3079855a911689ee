import { readFileSync } from "node:fs";
import { parse } from "yaml";
import * as z from "zod";
import { ArtifactRules } from "../platform/artifact-rules/artifact-rules.ts";

const PolicyFile = z.looseObject({ artifacts: ArtifactRules.prefault({}) });

/**
 * The section `artifacts` of the repository's policy.yaml: where builds may read artefacts. Only an apply brings it to the
 * builds, so a commit that changes the file allows nothing before people have applied it.
 */
export const readArtifactRules = (): ArtifactRules =>
  PolicyFile.parse(parse(readFileSync(new URL("../policy.yaml", import.meta.url), "utf8"))).artifacts;
