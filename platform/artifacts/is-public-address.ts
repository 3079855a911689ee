import { BlockList, isIP } from "node:net";

/** https://www.iana.org/assignments/iana-ipv4-special-registry, and multicast. */
const reservedIpv4 = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.31.196.0", 24],
  ["192.52.193.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["192.175.48.0", 24],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const;

/**
 * Parts of 2000::/3 that are no hosts on the internet, or carry an IPv4 address inside (Teredo, 6to4): outside 2000::/3
 * nothing is public. https://www.iana.org/assignments/iana-ipv6-special-registry
 */
const reservedIpv6 = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["2620:4f:8000::", 48],
  ["3fff::", 20],
] as const;

const reserved = new BlockList();
for (const [network, bits] of reservedIpv4) reserved.addSubnet(network, bits, "ipv4");
for (const [network, bits] of reservedIpv6) reserved.addSubnet(network, bits, "ipv6");
const global = new BlockList();
global.addSubnet("2000::", 3, "ipv6");

/** Whether an IP address is of a host on the internet, and not of this machine, its network or its cloud. */
export const isPublicAddress = (address: string): boolean => {
  switch (isIP(address)) {
    case 4:
      return !reserved.check(address, "ipv4");
    case 6:
      // A zone (fe80::1%eth0) names an interface of this machine.
      return !address.includes("%") && global.check(address, "ipv6") && !reserved.check(address, "ipv6");
    default:
      return false;
  }
};
