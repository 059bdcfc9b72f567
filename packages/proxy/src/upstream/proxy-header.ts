import { isIPv4, isIPv6 } from "node:net";

/** One end of a TCP connection. */
interface Endpoint {
  readonly address: string;
  readonly port: number;
}

const V2_SIGNATURE = Buffer.from("0d0a0d0a000d0a515549540a", "hex");
const V2_LOCAL = 0x20;
const V2_PROXY = 0x21;
const V2_TCP4 = 0x11;
const V2_TCP6 = 0x21;

/**
 * The PROXY protocol header (haproxy.org, proxy-protocol.txt) that a connection to a host begins with: `client` is who
 * connected to us, and where. Null, for a connection that carries the requests of many clients, and addresses of two
 * families name nobody (UNKNOWN, LOCAL).
 */
export function encodeProxyHeader(
  version: 1 | 2,
  client: { readonly from: Endpoint; readonly to: Endpoint } | null,
): Buffer {
  const family = client === null ? 0 : familyOf(client.from.address, client.to.address);
  if (client === null || family === 0) {
    return version === 1
      ? Buffer.from("PROXY UNKNOWN\r\n", "latin1")
      : Buffer.concat([V2_SIGNATURE, Buffer.of(V2_LOCAL, 0, 0, 0)]);
  }
  const { from, to } = client;
  if (version === 1) {
    return Buffer.from(`PROXY TCP${family} ${from.address} ${to.address} ${from.port} ${to.port}\r\n`, "latin1");
  }
  const addresses = Buffer.concat([addressBytes(from.address), addressBytes(to.address)]);
  const rest = Buffer.alloc(4);
  rest.writeUInt16BE(from.port, 0);
  rest.writeUInt16BE(to.port, 2);
  const fixed = Buffer.of(V2_PROXY, family === 4 ? V2_TCP4 : V2_TCP6, 0, addresses.length + rest.length);
  return Buffer.concat([V2_SIGNATURE, fixed, addresses, rest]);
}

function familyOf(from: string, to: string): 0 | 4 | 6 {
  if (isIPv4(from) && isIPv4(to)) return 4;
  return isIPv6(from) && isIPv6(to) ? 6 : 0;
}

/** An IP address as 4 or 16 bytes. */
function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  // The URL parser writes an IPv4 tail as groups; what stands left and right of "::" is padded with zeros between.
  const [left = "", right] = new URL(`http://[${address.replace(/%.*$/, "")}]`).hostname.slice(1, -1).split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right === undefined || right === "" ? [] : right.split(":");
  const groups = [...head, ...new Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
  return Buffer.from(groups.map((group) => group.padStart(4, "0")).join(""), "hex");
}
