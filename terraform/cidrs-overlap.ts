const toAddressRange = (cidr: string): readonly [number, number] => {
  const [address = "", bits = "32"] = cidr.split("/");
  const number = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits));
  const first = number - (number % size);
  return [first, first + size - 1];
};

/** Whether two IPv4 blocks (`10.20.0.0/24`) share an address. */
export const cidrsOverlap = (a: string, b: string): boolean => {
  const [firstA, lastA] = toAddressRange(a);
  const [firstB, lastB] = toAddressRange(b);
  return firstA <= lastB && firstB <= lastA;
};
