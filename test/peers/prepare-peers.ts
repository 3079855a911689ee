import { installCrane, requireCrane } from "./crane.ts";
import { installTokenizers } from "./fuzz-tokenizers.ts";
import { createPythonEnvironment, requirePython } from "./python-environment.ts";
import { installRuntimeClient, requireRuntimeClient } from "./runtime-client.ts";

/**
 * Runs before the first peer's test: one process installs what all of them need. A test that ran out of time would
 * leave an installation running, and the next test would start another.
 */
export default async (): Promise<void> => {
  const peers = [
    {
      name: "Python's packages",
      peer: requirePython("tests on Python's servers"),
      install: createPythonEnvironment,
    },
    {
      name: "tokenizers",
      peer: requirePython("tests against the reference tokenizers"),
      install: installTokenizers,
    },
    {
      name: "AWS's runtime client",
      peer: requireRuntimeClient("tests under AWS's runtime client"),
      install: installRuntimeClient,
    },
    { name: "crane", peer: requireCrane("tests that push images"), install: installCrane },
  ];
  await Promise.all(
    peers.map(async ({ name, peer, install }) => {
      if (peer.skip) return;
      const start = performance.now();
      await install();
      const seconds = (performance.now() - start) / 1_000;
      if (seconds > 1) console.info(`peer: ${name} installed in ${seconds.toFixed(1)} s`);
    }),
  );
};
