import type { Page } from "playwright-core";

/** Presses Tab until the element with this text has the focus, as a person without a pointer does. */
export const pressTabUntil = async (page: Page, text: string): Promise<void> => {
  for (let presses = 0; presses < 30; presses++) {
    await page.keyboard.press("Tab");
    if ((await page.evaluate("document.activeElement.textContent.trim()")) === text) return;
  }
  throw new Error(`30 tabs do not reach ${text}`);
};
