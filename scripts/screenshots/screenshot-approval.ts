/**
 * Takes the README's screenshots: `node scripts/screenshots/screenshot-approval.ts docs/images`. A real rehearsal
 * delivers churn twice in a temporary folder; the screenshots show the second version's approval message.
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

/** Runs a command like in a second terminal and returns its output. */
const runSlipway = async (...args: readonly string[]): Promise<string> => {
  const child = spawn(process.execPath, [...slipway, ...args, "--data", data], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  for await (const chunk of child.stdout) output += chunk;
  return output;
};

// Browser APIs, which Node's types lack.
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

/** Runs in the browser: decodes an image to its pixels (red, green, blue, opacity) in base64. */
const readPixels = async (png: string): Promise<{ width: number; height: number; pixels: string }> => {
  const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  let text = "";
  for (let start = 0; start < data.length; start += 8_192)
    text += String.fromCharCode(...data.subarray(start, start + 8_192));
  return { width, height, pixels: btoa(text) };
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
  // The desk's content security policy blocks data URLs, so another page decodes the image.
  const blank = await chromium.context.newPage();
  await mkdir(folder, { recursive: true });
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 1_100, height: 800 });
    await page.goto(question.desk);
    await page.locator('[data-live][data-state="live"]').waitFor();
    const last = page.locator("[data-list] > article, [data-list] > .message").last();
    const box = await last.boundingBox();
    // High enough for the whole message and the page's frame.
    await page.setViewportSize({ width: 1_100, height: Math.ceil(box?.height ?? 800) + 190 });
    await last.scrollIntoViewIfNeeded();
    const png = (await page.screenshot()).toString("base64");
    const { width, height, pixels } = await blank.evaluate(readPixels, png);
    await writeFile(
      join(folder, `desk-${colorScheme}.png`),
      encodeIndexedPng(Buffer.from(pixels, "base64"), width, height),
    );
  }
} finally {
  await rehearsal.stop();
  await rm(data, { recursive: true, force: true, maxRetries: 5 });
}
