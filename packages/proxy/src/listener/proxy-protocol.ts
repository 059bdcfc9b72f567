import { sliceLatin1 } from "@weft/kernel";
import { isIP } from "node:net";
import { crc32c } from "./crc32c.ts";
import { PROXY_HEADER_BYTES_MAX } from "./limits.ts";

/** What the first bytes of a connection say about the PROXY protocol (haproxy.org, proxy-protocol.txt, versions 1 and 2). */
export type ProxyHeaderResult =
  /** The bytes so far may be the beginning of a header. */
  | { readonly kind: "incomplete" }
  /** They are something else. */
  | { readonly kind: "absent" }
  /** They begin like a header and then break its rules. */
  | { readonly kind: "invalid"; readonly reason: string }
  /** A header of `byteCount` bytes. `address` is "" where it names no client (LOCAL, UNKNOWN): the socket's holds. */
  | { readonly kind: "header"; readonly byteCount: number; readonly address: string; readonly port: number };

const INCOMPLETE: ProxyHeaderResult = { kind: "incomplete" };
const ABSENT: ProxyHeaderResult = { kind: "absent" };
const V1_PREFIX = Buffer.from("PROXY ", "latin1");
const V2_SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
/** "PROXY TCP6 " with two IPv6 addresses, two ports and CRLF: the specification's worst case. */
const V1_BYTES_MAX = 107;
const V2_FIXED_BYTES = 16;
/** Type and length of what may follow the addresses (TLV). */
const V2_TLV_HEAD_BYTES = 3;
const V2_TLV_CRC32C = 0x03;
const V2_CRC_BYTES = 4;

/** Reads a PROXY protocol header from the first bytes of a connection. */
export function decodeProxyHeader(bytes: Buffer): ProxyHeaderResult {
  if (startsAlike(bytes, V2_SIGNATURE)) return bytes.length < V2_FIXED_BYTES ? INCOMPLETE : decodeV2(bytes);
  if (startsAlike(bytes, V1_PREFIX)) return decodeV1(bytes);
  return ABSENT;
}

function startsAlike(bytes: Buffer, prefix: Buffer): boolean {
  const length = Math.min(bytes.length, prefix.length);
  return bytes.compare(prefix, 0, length, 0, length) === 0;
}

function decodeV1(bytes: Buffer): ProxyHeaderResult {
  const end = bytes.indexOf("\r\n", 0, "latin1");
  if (end < 0) return bytes.length < V1_BYTES_MAX ? INCOMPLETE : invalid("no CRLF within 107 bytes");
  const byteCount = end + 2;
  if (byteCount > V1_BYTES_MAX) return invalid("longer than 107 bytes");
  const words = sliceLatin1(bytes, 0, end).split(" ");
  const family = words[1];
  if (family === "UNKNOWN") return { kind: "header", byteCount, address: "", port: 0 };
  const [, , source = "", destination = "", sourcePort = "", destinationPort = ""] = words;
  const version = family === "TCP4" ? 4 : family === "TCP6" ? 6 : 0;
  if (version === 0 || words.length !== 6) return invalid("not of the form PROXY TCP4|TCP6 src dst sport dport");
  if (isIP(source) !== version || isIP(destination) !== version) return invalid("an address is malformed");
  if (!isPort(sourcePort) || !isPort(destinationPort)) return invalid("a port is malformed");
  return { kind: "header", byteCount, address: source, port: Number(sourcePort) };
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9][0-9]{0,4})$/.test(text) && Number(text) <= 65_535;
}

function decodeV2(bytes: Buffer): ProxyHeaderResult {
  const versionAndCommand = bytes.readUInt8(12);
  const familyAndTransport = bytes.readUInt8(13);
  const byteCount = V2_FIXED_BYTES + bytes.readUInt16BE(14);
  if (versionAndCommand >> 4 !== 2) return invalid("version is not 2");
  const command = versionAndCommand & 15;
  if (command > 1) return invalid("unknown command");
  if (byteCount > PROXY_HEADER_BYTES_MAX) return invalid(`longer than ${PROXY_HEADER_BYTES_MAX} bytes`);
  if (bytes.length < byteCount) return INCOMPLETE;
  const local: ProxyHeaderResult = { kind: "header", byteCount, address: "", port: 0 };
  if (command === 0) return local;
  if (familyAndTransport === 0x11) {
    if (byteCount < V2_FIXED_BYTES + 12) return invalid("too short for IPv4 addresses");
    const fault = faultOfTlvs(bytes, V2_FIXED_BYTES + 12, byteCount);
    if (fault !== "") return invalid(fault);
    const address = Array.from(bytes.subarray(16, 20)).join(".");
    return { kind: "header", byteCount, address, port: bytes.readUInt16BE(24) };
  }
  if (familyAndTransport === 0x21) {
    if (byteCount < V2_FIXED_BYTES + 36) return invalid("too short for IPv6 addresses");
    const fault = faultOfTlvs(bytes, V2_FIXED_BYTES + 36, byteCount);
    if (fault !== "") return invalid(fault);
    return { kind: "header", byteCount, address: formatIpv6(bytes.subarray(16, 32)), port: bytes.readUInt16BE(48) };
  }
  // Other families (UNIX, UNSPEC, datagrams) carry no address that we could use.
  return local;
}

/** What is wrong with the TLVs from `at` on; "" for nothing. A checksum among them is over the whole header. */
function faultOfTlvs(bytes: Buffer, at: number, end: number): string {
  while (at < end) {
    const valueAt = at + V2_TLV_HEAD_BYTES;
    if (valueAt > end) return "a TLV is cut off";
    const nextAt = valueAt + bytes.readUInt16BE(at + 1);
    if (nextAt > end) return "a TLV is longer than the header";
    if (bytes[at] === V2_TLV_CRC32C) {
      if (nextAt - valueAt !== V2_CRC_BYTES) return "a checksum has not 4 bytes";
      if (checksumOf(bytes, end, valueAt) !== bytes.readUInt32BE(valueAt)) return "the checksum is wrong";
    }
    at = nextAt;
  }
  return "";
}

/** CRC-32C of a header of `end` bytes, those of the checksum at `crcAt` taken for zero. */
function checksumOf(bytes: Buffer, end: number, crcAt: number): number {
  const before = crc32c(bytes, 0, crcAt, 0);
  return crc32c(bytes, crcAt + V2_CRC_BYTES, end, crc32c(NO_CHECKSUM, 0, V2_CRC_BYTES, before));
}

const NO_CHECKSUM = Buffer.alloc(V2_CRC_BYTES);

function formatIpv6(bytes: Buffer): string {
  const groups: string[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(bytes.readUInt16BE(at).toString(16));
  // The URL parser knows how to shorten an IPv6 address (RFC 5952).
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

function invalid(reason: string): ProxyHeaderResult {
  return { kind: "invalid", reason };
}
