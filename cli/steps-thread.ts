/** The thread that runs the steps, with the data folder's registry. */
import { serveSteps } from "#worlds/embedded/engine/serve-steps.ts";
import { openFolderRegistry } from "./folder-registry.ts";

await serveSteps(openFolderRegistry);
