import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderMrkdwn, renderPlain } from "./mrkdwn.ts";

const names = new Map([["U024BE7LH", "Ada Byron"]]);
const render = async (text: string) => String(await renderMrkdwn(text, names));

/** Everything that rendering may produce: these elements, these quoted attributes, and addresses that run no script. */
const allowed =
  /<\/?(?:b|i|s|code|pre|blockquote|div|span|g|path|circle|rect|ellipse)(?: [a-z-]+="[^"<>]*")*\/?>|<svg class="emoji"[^<>]*>|<\/svg>|<a href="(?:https?:\/\/|mailto:)[^"<>]*" target="_blank" rel="noopener noreferrer">|<\/a>/gi;
const leftover = (html: string) => html.replace(allowed, "");

const pieces = fc.constantFrom(
  ..."<>\"'`*_~&;|\n: ",
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<javascript:alert(1)|click>",
  "<https://example.com|text>",
  '<https://x" onmouseover="alert(1)|y>',
  "<@U024BE7LH>",
  "<!here>",
  "&lt;b&gt;",
  "&amp;lt;",
  "```",
  ":x:",
  "✅",
  "word",
);
const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.array(fc.oneof(pieces, fc.string({ maxLength: 5 })), { maxLength: 30 }).map((parts) => parts.join("")),
);

describe("a message's text", () => {
  test("never becomes another element, attribute or script", async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async (text) => {
        expect(leftover(await render(text))).not.toMatch(/[<>]/);
        expect(leftover(String(await renderPlain(text)))).not.toMatch(/[<>]/);
        expect(await render(text)).not.toMatch(/ on\w+="|href="(?!https?:|mailto:)/i);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ["*bold* and _italic_", "<b>bold</b> and <i>italic</i>"],
    ["snake_case_name stays", "snake_case_name stays"],
    ["2 * 3 * 4", "2 * 3 * 4"],
    ["~gone~", "<s>gone</s>"],
    ["`a *b* <c>`", "<code>a *b* &lt;c&gt;</code>"],
    ["a &lt;b&gt; &amp;lt;", "a &lt;b&gt; &amp;lt;"],
    ["<@U024BE7LH>", '<span class="mention">@Ada Byron</span>'],
    ["<@U0NOBODY>", '<span class="mention">@U0NOBODY</span>'],
    [
      "<https://example.com/?a=1&amp;b=2|here>",
      '<a href="https://example.com/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">here</a>',
    ],
    ["<javascript:alert(1)|here>", "here"],
    [":unheard_of:", ":unheard_of:"],
  ])("%s is rendered as Slack renders it", async (text, html) => {
    expect(await render(text)).toBe(`<div>${html}</div>`);
  });

  test("lists, quotes and fenced code keep their lines", async () => {
    expect(await render("• one\n• two\n> said\n```\n*x*\n```\nend")).toBe(
      '<div class="item">one</div><div class="item">two</div><blockquote>said</blockquote><pre>*x*</pre><div>end</div>',
    );
  });

  test("rendering a long line of markers ends", async () => {
    // In a separate process, because this one could not stop a regular expression that backtracks for ever.
    const program = `
      const { renderMrkdwn } = await import("./mrkdwn.ts");
      for (const text of ["*_~<\`:".repeat(3_000), "*a ".repeat(10_000)]) String(await renderMrkdwn(text, new Map()));`;
    const { status, signal } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: import.meta.dirname,
      timeout: 180_000,
      killSignal: "SIGKILL",
      stdio: ["ignore", "ignore", "inherit"],
    });
    expect({ status, signal }).toEqual({ status: 0, signal: null });
  });
});
