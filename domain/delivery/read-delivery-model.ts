/** The model in a delivery's name (lambdas/start-delivery/delivery-name.ts); another name is returned whole. */
export const readDeliveryModel = (delivery: string): string =>
  /^(.+)-[0-9a-f]{12}-[0-9a-f]{8}(-\d+)?$/.exec(delivery)?.[1] ?? delivery;
