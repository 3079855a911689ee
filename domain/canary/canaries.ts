import type { AnswerOrigin } from "#domain/approval/answer-origin.ts";
import { CanaryAborted } from "#domain/delivery/errors.ts";
import { readPages, type Store } from "#platform/store/store.ts";
import { applyOrder, CanaryControl, type CanaryOrder, emptyControl } from "./canary-control.ts";
import { CanaryLook } from "./canary-look.ts";

const retentionSeconds = 400 * 86_400;
const lookPrefix = "look#";

const toControlKey = (delivery: string) => ({ partition: `canary#${delivery}`, sort: "control" });
const toLookKey = (delivery: string, index: number) => ({
  partition: `canary#${delivery}`,
  sort: `${lookPrefix}${String(index).padStart(6, "0")}`,
});

/** Who aborted a canary and why, as the cause of the delivery's error. */
export const describeAbort = ({ by, name, reason }: NonNullable<CanaryControl["abort"]>): string =>
  `${name === by ? by : `${name} (${by})`} aborted the canary: ${reason}`;

/** What people ordered about the canary of a delivery, and what was measured of it. */
export const createCanaries = ({ store, clock }: { readonly store: Store; readonly clock: () => number }) => {
  const read = async (delivery: string): Promise<CanaryControl & { readonly version: number | "absent" }> => {
    const item = await store.get(toControlKey(delivery));
    return item
      ? { ...CanaryControl.parse(item.value), version: item.version }
      : { ...emptyControl, version: "absent" };
  };
  const write = async (delivery: string, control: CanaryControl, expect: number | "absent") =>
    (
      await store.put(toControlKey(delivery), CanaryControl.parse(control), {
        expect,
        expiresAt: Math.floor(clock() / 1_000) + retentionSeconds,
      })
    ).written;

  return {
    read,

    /** Stores an order, or says why it is refused. */
    order: async (
      delivery: string,
      order: CanaryOrder,
      person: AnswerOrigin & { readonly user: string; readonly name: string },
    ): Promise<{ readonly control: CanaryControl } | { readonly refused: string }> => {
      for (;;) {
        const { version, ...control } = await read(delivery);
        const applied = applyOrder(control, order, person, clock());
        if ("refused" in applied) return applied;
        if (applied.next === control) return { control };
        if (await write(delivery, applied.next, version)) return { control: applied.next };
      }
    },

    /**
     * Notes what a round decides, unless somebody gave an order since the control was read: then it is false, and the round
     * decides again. So no order that was accepted before a decision is overtaken by it.
     */
    decide: async (
      delivery: string,
      { version, ...control }: CanaryControl & { readonly version: number | "absent" },
      decided: CanaryControl["decided"],
    ): Promise<boolean> => {
      const same = JSON.stringify(control.decided) === JSON.stringify(decided);
      return same
        ? (await read(delivery)).version === version
        : write(delivery, { ...control, decided }, version);
    },

    /** Ends the time of orders before prod's traffic moves to the version. Throws CanaryAborted. */
    close: async (delivery: string): Promise<void> => {
      for (;;) {
        const { version, ...control } = await read(delivery);
        if (control.abort) throw new CanaryAborted(describeAbort(control.abort));
        if (control.closed || (await write(delivery, { ...control, closed: true }, version))) return;
      }
    },

    /** Undefined: nothing was measured yet. */
    lastLook: async (delivery: string): Promise<CanaryLook | undefined> => {
      const { items } = await store.page({
        partition: toControlKey(delivery).partition,
        prefix: lookPrefix,
        order: "descending",
        limit: 1,
      });
      return items[0] && CanaryLook.parse(items[0].value);
    },

    /** A run of the step that seemed dead may have written the same index: then this one is left out. */
    addLook: async (delivery: string, look: CanaryLook): Promise<void> => {
      await store.put(toLookKey(delivery, look.index), CanaryLook.parse(look), {
        expect: "absent",
        expiresAt: Math.floor(clock() / 1_000) + retentionSeconds,
      });
    },

    /** Oldest first. */
    looks: async (delivery: string): Promise<readonly CanaryLook[]> => {
      const looks: CanaryLook[] = [];
      for await (const items of readPages(store, {
        partition: toControlKey(delivery).partition,
        prefix: lookPrefix,
        order: "ascending",
        limit: 200,
      }))
        for (const { value } of items) looks.push(CanaryLook.parse(value));
      return looks;
    },
  };
};
export type Canaries = ReturnType<typeof createCanaries>;
