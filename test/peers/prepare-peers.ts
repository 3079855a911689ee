import { installCrane, requireCrane } from "./crane.ts";
import { createPythonEnvironment, requirePython } from "./python-environment.ts";
import { installRuntimeClient, requireRuntimeClient } from "./runtime-client.ts";

/**
 * Before the first peer's test: one process installs what all of them need. Not in a test: one that ran out of time
 * would leave the installation running and the next one start another.
 */
export default async (): Promise<void> => {
  const peers = [
    {
      what: "Python's packages",
      peer: requirePython("tests on Python's servers"),
      install: createPythonEnvironment,
    },
    {
      what: "AWS's runtime client",
      peer: requireRuntimeClient("tests under AWS's runtime client"),
      install: installRuntimeClient,
    },
    { what: "crane", peer: requireCrane("tests that push images"), install: installCrane },
  ];
  for (const { what, peer, install } of peers) {
    if (peer.skip) continue;
    const start = performance.now();
    await install();
    const seconds = (performance.now() - start) / 1_000;
    if (seconds > 1) console.info(`peer: ${what} installed in ${seconds.toFixed(1)} s`);
  }
};
