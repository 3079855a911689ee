import {
  type Anchor,
  AnchoredHead,
  type Anchors,
  sortAnchors,
  toAnchorName,
} from "#platform/anchors/anchors.ts";

/** Anchors that nothing can remove. */
export const memoryAnchors = (clock: () => number): Anchors => {
  const anchors = new Map<string, Anchor>();
  return {
    put: async (given) => {
      const head = AnchoredHead.parse(given);
      const place = `${head.model}/${toAnchorName(head)}`;
      if (!anchors.has(place))
        anchors.set(place, { ...head, at: clock(), place, lockedUntil: null, signature: null });
    },
    list: async (name) => {
      const model = AnchoredHead.shape.model.parse(name);
      return {
        anchors: sortAnchors([...anchors.values()].filter((anchor) => anchor.model === model)),
        invalid: [],
      };
    },
  };
};
