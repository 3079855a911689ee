/** The registry's tag with the head of the trail, on each version that was decided about: `<sequence> <hash>`. */
export const auditHeadTag = "slipway.audit.head";
