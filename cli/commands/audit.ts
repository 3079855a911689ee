import { writeFile } from "node:fs/promises";
import { Command, InvalidArgumentError, Option } from "commander";
import { UsageMistake } from "#cli/errors.ts";
import { exitCode } from "#cli/exit-code.ts";
import { formatAuditEntry } from "#cli/format-audit-entry.ts";
import { readInputFile } from "#cli/new-model/read-input-file.ts";
import { withWorld } from "#cli/open-world.ts";
import { addWorldOptions, jsonOption, parseCount, parseModelName, type WorldOptions } from "#cli/options.ts";
import { paint, print, printError, printJson, readTerminalWidth } from "#cli/print.ts";
import { requireModel } from "#cli/require-model.ts";
import { wrapWords } from "#cli/wrap-words.ts";
import { AuditDocument, verifyDocument } from "#domain/audit/audit-document.ts";
import { type AuditEntry, formatAuditPlace } from "#domain/audit/audit-entry.ts";
import {
  findDocumentData,
  formatDocumentJson,
  formatDocumentMarkdown,
} from "#domain/audit/format-audit-document.ts";
import type { OutsideHead, VerifiedTrail } from "#domain/audit/verify-trail.ts";
import { escapeControls } from "#untrusted/escape-controls.ts";

type Options = WorldOptions & {
  readonly json?: boolean;
  readonly version?: number;
  readonly out?: string;
  readonly verify?: string;
  readonly anchor?: { readonly sequence: number; readonly start: string };
};

/** A document of a version has some kilobytes for each entry. */
const maxDocumentBytes = 100_000_000;

/** `12 · 3f9c1a2b4d5e6f70`, as a message in Slack shows it. */
const parseAnchor = (text: string): NonNullable<Options["anchor"]> => {
  const [, sequence, start] =
    /^\D*(\d{1,10})\s*[·:\s]\s*([0-9a-f]{8,64})(?:…|\.\.\.)?$/.exec(text.trim()) ?? [];
  if (sequence === undefined || start === undefined)
    throw new InvalidArgumentError('write it as the message shows it: "12 · 3f9c1a2b4d5e6f70"');
  return { sequence: Number(sequence), start };
};

/** `slipway audit`: verifies a model's audit trail, and exports or verifies the evidence of one version. */
export const auditCommand = (): Command =>
  addWorldOptions(new Command("audit"))
    .description(
      "verify a model's audit trail against its anchors; export the evidence of one version, or verify such a document",
    )
    .argument("[model]", "the model", parseModelName)
    .addOption(new Option("--version <n>", "the version whose evidence to export").argParser(parseCount))
    .addOption(new Option("--out <file>", "where to write it: JSON, or for people a file that ends with .md"))
    .addOption(new Option("--verify <file>", "verify an exported document; needs no world"))
    .addOption(
      new Option(
        "--anchor <place>",
        "also compare with this place, as a message in Slack shows it",
      ).argParser(parseAnchor),
    )
    .addOption(
      jsonOption(
        "whether the trail is valid, what was found, its anchors and entries; or what was exported or verified",
      ),
    )
    .action(async (model: string | undefined, options: Options) => {
      const { verify, version, out, anchor } = options;
      if (verify !== undefined) {
        if (model !== undefined || version !== undefined || out !== undefined || anchor !== undefined)
          throw new UsageMistake(
            "--verify takes a file and nothing else: the document says what it is about.",
          );
        return verifyFile(verify, options);
      }
      if (model === undefined) throw new UsageMistake("name a model, or a document with --verify <file>.");
      if ((version === undefined) !== (out === undefined))
        throw new UsageMistake(
          "--version <n> and --out <file> belong together: they export one version's evidence.",
        );
      if (version !== undefined && out !== undefined) return exportVersion(model, version, out, options);
      return verifyModel(model, options);
    });

const verifyModel = (model: string, { json, anchor, ...options }: Options): Promise<void> =>
  withWorld(options, async (context) => {
    const { world } = context;
    const { anchors, ...trail } = await world.auditReader.verify(model);
    // A model that has a trail, or had one, is known.
    if (trail.entries.length === 0 && trail.findings.length === 0) await requireModel(context, model);
    const compared = compareAnchor(trail.entries, anchor);
    const findings = [...trail.findings.map(({ sentence }) => sentence), ...compared];
    if (findings.length > 0) process.exitCode = exitCode.failed;
    if (json)
      return printJson({
        model,
        valid: findings.length === 0,
        entries: trail.entries.length,
        newestAnchor: trail.newestAnchor && toJson(trail.newestAnchor),
        unanchored: trail.unanchored,
        anchors: anchors.map(toJson),
        findings: trail.findings,
        ...(anchor && { compared: compared.length === 0 }),
        trail: trail.entries,
      });
    if (trail.entries.length === 0 && findings.length === 0)
      return print(`${model} has no audit trail yet: it begins with its first question to approvers.`);
    const width = readTerminalWidth();
    for (const entry of trail.entries) for (const line of formatAuditEntry(entry, width)) print(line);
    if (anchor && compared.length === 0) print(`Entry ${anchor.sequence} is the one that you named.`);
    printResult(trail, findings, {
      subject: `${model} (entries: ${trail.entries.length})`,
      remedy:
        trail.findings.length === 0
          ? "The trail agrees with its own anchors. Compare what you named with where you noted it; if you noted it so, somebody wrote the trail again: find out who wrote to the store (CloudTrail on AWS)."
          : "The trail is not what was recorded: find out who wrote to the store (CloudTrail on AWS), and keep a copy of it before anything else.",
    });
  });

const toJson = ({ at, ...head }: OutsideHead) => ({
  ...{ sequence: head.sequence, hash: head.hash, from: head.from, place: head.place },
  at: at === null ? null : new Date(at).toISOString(),
});

const compareAnchor = (entries: readonly AuditEntry[], anchor: Options["anchor"]): readonly string[] => {
  if (!anchor) return [];
  const entry = entries.find(({ sequence }) => sequence === anchor.sequence);
  if (!entry) return [`The trail has no entry ${anchor.sequence}, which you named.`];
  return entry.hash.startsWith(anchor.start)
    ? []
    : [
        `Entry ${anchor.sequence} is not the one that you named: its hash begins with ${entry.hash.slice(0, 16)}.`,
      ];
};

/** Whole words on lines that fit the terminal; what is longer, for instance a path, has a line of its own. */
const printWrapped = (text: string): void => {
  const width = readTerminalWidth();
  if (width === undefined) print(text);
  else for (const line of wrapWords(text, width)) print(line);
};

const printResult = (
  { newestAnchor, unanchored }: Pick<VerifiedTrail, "newestAnchor" | "unanchored">,
  findings: readonly string[],
  { subject, remedy }: { readonly subject: string; readonly remedy: string },
): void => {
  if (newestAnchor) {
    const at = newestAnchor.at === null ? "" : ` of ${new Date(newestAnchor.at).toISOString()}`;
    printWrapped(
      `Newest anchor: ${formatAuditPlace(newestAnchor)}${at}, ${escapeControls(newestAnchor.place)}`,
    );
  }
  if (unanchored.length > 0)
    printWrapped(
      `Not anchored yet, so a change of them could stay hidden: ${unanchored.length === 1 ? "entry" : "entries"} ${unanchored.length > 2 ? `${unanchored[0]} to ${unanchored.at(-1)}` : unanchored.join(", ")}.`,
    );
  if (findings.length === 0) {
    printWrapped(`${paint("green", "✓")} ${subject}: nothing was changed, removed or reordered.`);
    return;
  }
  for (const finding of findings) printError(`${paint("red", "✗")} ${escapeControls(finding)}`);
  printError(remedy);
};

const exportVersion = (
  model: string,
  version: number,
  out: string,
  { json, anchor, ...options }: Options,
): Promise<void> =>
  withWorld(options, async (context) => {
    const exported = await context.world.auditReader
      .exportVersion(model, version)
      .catch(async (error: unknown) => {
        await requireModel(context, model);
        throw error;
      });
    const document = AuditDocument.parse(exported);
    const text = out.endsWith(".md") ? formatDocumentMarkdown(document) : formatDocumentJson(document);
    const { findings } = await verifyDocument(document);
    await writeFile(out, text, { flag: "wx" }).catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "EEXIST")
        throw new UsageMistake(`${out} exists already: name another file with --out.`);
      throw new UsageMistake(
        `${out} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
      );
    });
    if (findings.length > 0) process.exitCode = exitCode.failed;
    if (json) return printJson({ model, version, file: out, entries: document.entries.length, findings });
    print(`Wrote the evidence of ${model} v${version} to ${out} (entries: ${document.entries.length}).`);
    print(`Verify it anywhere with \`slipway audit --verify ${out}\`.`);
    for (const { sentence } of findings) printError(`${paint("red", "✗")} ${escapeControls(sentence)}`);
  });

const readDocument = async (
  file: string,
): Promise<{ readonly text: string; readonly document: AuditDocument }> => {
  const bytes = Buffer.from(await readInputFile(file));
  if (bytes.length > maxDocumentBytes)
    throw new UsageMistake(
      `${file} has ${bytes.length} bytes (limit ${maxDocumentBytes}): it is no audit document.`,
    );
  const text = bytes.toString("utf8");
  const refuse = (why: string): never => {
    throw new UsageMistake(
      `${file} is no audit document: ${why}. Name a file that \`slipway audit --out\` wrote.`,
    );
  };
  const data = findDocumentData(text) ?? refuse("it has no data");
  let json: unknown;
  try {
    json = JSON.parse(data);
  } catch {
    return refuse("its data are no JSON");
  }
  const parsed = AuditDocument.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refuse(`${issue?.path.join(".") || "the document"}: ${issue?.message}`);
  }
  return { text, document: parsed.data };
};

const verifyFile = async (file: string, { json }: Options): Promise<void> => {
  const { text, document } = await readDocument(file);
  const { findings, verified, unproven, newestAnchor, unanchored } = await verifyDocument(document);
  const sentences = findings.map(({ sentence }) => sentence);
  // People read the text above the data, so it has to be what the data say.
  if (!text.trimStart().startsWith("{") && text !== formatDocumentMarkdown(document))
    sentences.push("The text above the data does not say what the data say: it was changed.");
  if (sentences.length > 0) process.exitCode = exitCode.failed;
  const { model, version } = document;
  if (json)
    return printJson({
      ...{
        file,
        model,
        version,
        valid: sentences.length === 0,
        newestAnchor: newestAnchor && toJson(newestAnchor),
      },
      ...{ unanchored, findings: sentences, verified, unproven },
    });
  for (const sentence of verified) print(`${paint("green", "✓")} ${escapeControls(sentence)}`);
  for (const sentence of unproven) print(`  Not proven by the document: ${escapeControls(sentence)}`);
  printResult({ newestAnchor, unanchored }, sentences, {
    subject: `${model} v${version} (entries: ${document.entries.length})`,
    remedy: `This file is not what was exported: export it again (\`slipway audit ${model} --version ${version} --out <file>\`). If that finds the same, somebody changed the trail before.`,
  });
};
