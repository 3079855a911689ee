/** The completion scripts, in the shells that this machine has. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { requirePeer } from "#test/support/require-peer.ts";

const command = join(import.meta.dirname, "slipway.mjs");
let folder = "";

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "slipway-completion-")));
  // The shell finds `slipway` as a person's does: on the path.
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, "bin", "slipway"), `#!/bin/sh\nexec '${process.execPath}' '${command}' "$@"\n`, {
    mode: 0o755,
  });
  mkdirSync(join(folder, "models", "my-fraud-model"), { recursive: true });
  writeFileSync(join(folder, "models", "my-fraud-model", "model.yaml"), "");
  writeFileSync(join(folder, "my-rows.json"), "[]");
  symlinkSync(join(folder, "models"), join(folder, "my-models"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const requireShell = (shell: string) =>
  requirePeer(
    `completion in ${shell}`,
    spawnSync(shell, ["-c", "exit 0"]).status === 0 ? undefined : `this machine has no ${shell}: install it`,
  );
const run = (shell: string, args: readonly string[]) => {
  const { stdout } = spawnSync(shell, args, {
    cwd: folder,
    encoding: "utf8",
    timeout: 60_000,
    env: { PATH: `${join(folder, "bin")}:${process.env.PATH}`, HOME: folder, TERM: "dumb", LANG: "C.UTF-8" },
  });
  return stdout.replace(/\n$/, "").split("\n");
};

const writeScript = (shell: string) => {
  const { stdout } = spawnSync(join(folder, "bin", "slipway"), ["completion", shell], { encoding: "utf8" });
  const file = join(folder, `completion.${shell}`);
  writeFileSync(file, stdout);
  return file;
};

/** What a shell offers for each command line, by its own completion: its words, joined by spaces. */
const complete = {
  bash: (lines: readonly string[]) => {
    const questions = lines.map((line) => {
      const words = line.split(" ");
      return `COMPREPLY=(); COMP_WORDS=(${words.join(" ")}); COMP_CWORD=${words.length - 1}; __slipway_complete 2>/dev/null; echo "\${COMPREPLY[*]}"`;
    });
    return run("bash", [
      "--noprofile",
      "--norc",
      "-c",
      [`source ${writeScript("bash")}`, ...questions].join("\n"),
    ]);
  },
  fish: (lines: readonly string[]) => {
    const questions = lines.map((line) => `echo (complete -C '${line}' | string replace -r '\\t.*' '')`);
    return run("fish", ["--no-config", "-c", [`source ${writeScript("fish")}`, ...questions].join("\n")]);
  },
} as const;

const examples = {
  "slipway stat": "status",
  "slipway keys ro": "rotate",
  "slipway status --world a": "aws",
  "slipway history --json my-f": "my-fraud-model",
  // The command without a part watches a canary.
  "slipway canary my-f": "my-fraud-model",
};

test.skipIf(requireShell("bash").skip)(
  "bash completes commands, options, choices, models and folders",
  () => {
    const expected = { ...examples, "slipway check my-m": "my-models" };
    expect(complete.bash(Object.keys(expected))).toEqual(Object.values(expected));
  },
);

test.skipIf(requireShell("fish").skip)("fish completes commands, options, choices, models and files", () => {
  const expected = { ...examples, "slipway predict churn --rows my-r": "my-rows.json" };
  expect(complete.fish(Object.keys(expected))).toEqual(Object.values(expected));
});

test.skipIf(requireShell("zsh").skip)("zsh completes a model in its line editor", () => {
  // zsh completes in an interactive shell alone, so one runs in a terminal of its own.
  const script = `zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PROMPT=; autoload -U compinit; compinit -D -u; source ${writeScript("zsh")}; stty columns 200; print re''ady"
zpty -r -m shell out '*ready*'
zpty -w -n shell $'slipway history my-f\\t'
zpty -r -m shell out '*my-fraud-model*' && print -r -- "$out"
zpty -d shell`;
  expect(run("zsh", ["-f", "-c", script]).join("\n")).toContain("my-fraud-model");
});
