/**
 * Takes the README's pictures: `node scripts/screenshots/screenshot-approval.ts docs/images`. A real rehearsal delivers churn
 * twice on a temporary folder; the second version's question is what they show.
 */
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { requireBrowser } from "#test/support/browser.ts";
import { watchRehearsal } from "#test/support/rehearsal-process.ts";
import { encodeIndexedPng } from "./encode-indexed-png.ts";

const folder = process.argv[2];
if (folder === undefined) {
  console.error("Usage: node scripts/screenshots/screenshot-approval.ts <folder>");
  process.exit(2);
}
const checkout = fileURLToPath(new URL("../..", import.meta.url));
const data = await mkdtemp(join(tmpdir(), "slipway-picture-"));
const slipway = [join(checkout, "cli", "slipway.ts")];

/** Runs a command of a second terminal and gives what it printed. */
const runSlipway = async (...args: readonly string[]): Promise<string> => {
  const child = spawn(process.execPath, [...slipway, ...args, "--data", data], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  for await (const chunk of child.stdout) printed += chunk;
  return printed;
};

// Of the browser's own world, which Node's types do not have.
declare const createImageBitmap: (blob: Blob) => Promise<{ width: number; height: number }>;
declare const OffscreenCanvas: new (
  width: number,
  height: number,
) => {
  getContext(kind: "2d"): {
    drawImage(image: object, x: number, y: number): void;
    getImageData(x: number, y: number, width: number, height: number): { data: Uint8ClampedArray };
  };
};

/** Runs in the browser: a picture's elements, red, green, blue and opacity of each, in base64. */
const readPixels = async (png: string): Promise<{ width: number; height: number; elements: string }> => {
  const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const { width, height } = bitmap;
  const drawing = new OffscreenCanvas(width, height).getContext("2d");
  drawing.drawImage(bitmap, 0, 0);
  const { data } = drawing.getImageData(0, 0, width, height);
  let text = "";
  for (let at = 0; at < data.length; at += 8_192)
    text += String.fromCharCode(...data.subarray(at, at + 8_192));
  return { width, height, elements: btoa(text) };
};

const rehearsal = watchRehearsal(
  process.execPath,
  [...slipway, "rehearse", "--json", "--port", "0", "--data", data],
  { cwd: checkout },
);
try {
  const first = await rehearsal.waitFor("question");
  const [asked] = JSON.parse(await runSlipway("approvals", "--json"));
  await runSlipway("approve", asked.id, "--as", asked.approvers[0]);
  const question = await rehearsal.waitFor("question", ({ delivery }) => delivery !== first.delivery);

  await using chromium = await requireBrowser().launch({ deviceScaleFactor: 2 });
  const page = await chromium.context.newPage();
  // The desk's own page may load nothing that is not the desk's, so another one reads the picture.
  const blank = await chromium.context.newPage();
  await mkdir(folder, { recursive: true });
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 1_100, height: 800 });
    await page.goto(question.desk);
    await page.locator('[data-live][data-state="live"]').waitFor();
    const last = page.locator("[data-list] > article, [data-list] > .message").last();
    const box = await last.boundingBox();
    // High enough for the whole question, with the page's own frame around it.
    await page.setViewportSize({ width: 1_100, height: Math.ceil(box?.height ?? 800) + 190 });
    await last.scrollIntoViewIfNeeded();
    const png = (await page.screenshot()).toString("base64");
    const { width, height, elements } = await blank.evaluate(readPixels, png);
    await writeFile(
      join(folder, `desk-${colorScheme}.png`),
      encodeIndexedPng(Buffer.from(elements, "base64"), width, height),
    );
  }
} finally {
  await rehearsal.stop();
  await rm(data, { recursive: true, force: true, maxRetries: 5 });
}
