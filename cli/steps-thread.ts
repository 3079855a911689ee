/** The thread that steps run in, with the registry that was chosen for the data folder. */
import { serveSteps } from "#worlds/embedded/engine/serve-steps.ts";
import { openFolderRegistry } from "./folder-registry.ts";

await serveSteps(openFolderRegistry);
