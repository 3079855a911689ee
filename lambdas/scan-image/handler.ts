import { ScanImageInput } from "#statemachine/contracts.ts";
import { openCapabilities } from "#worlds/aws/capabilities.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createImages } from "#worlds/aws/images.ts";
import { createRuleSources } from "#worlds/aws/rule-sources.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { scanImage } from "./scan-image.ts";

const world = openCapabilities(readEnv(Env));
const rules = createRuleSources(world);

export const handler = createStepHandler(
  "scan-image",
  ScanImageInput,
  scanImage({ ...world, ...rules, images: createImages(world) }),
);
