import { sliceLatin1 } from "@weft/kernel";
import { CLIENT_HELLO_BYTES_MAX } from "./limits.ts";

/** What the first bytes of a connection say about TLS (RFC 8446 section 4.1.2, RFC 6066 section 3). */
export type ClientHelloResult =
  | { readonly kind: "incomplete" }
  /** Not TLS, or a ClientHello that breaks its rules. */
  | { readonly kind: "invalid"; readonly reason: string }
  /** `serverName` is lower case; "" where the client names none. */
  | { readonly kind: "hello"; readonly serverName: string };

const INCOMPLETE: ClientHelloResult = { kind: "incomplete" };
const RECORD_HANDSHAKE = 22;
const RECORD_HEADER_BYTES = 5;
const RECORD_BYTES_MAX = 16_384;
const HANDSHAKE_CLIENT_HELLO = 1;
const EXTENSION_SERVER_NAME = 0;
const NAME_TYPE_HOST = 0;

/** Reads the server name of a TLS ClientHello that may be spread over several records, without changing the bytes. */
export function decodeClientHello(bytes: Buffer): ClientHelloResult {
  const fragments: Buffer[] = [];
  let gathered = 0;
  let at = 0;
  for (;;) {
    if (at < bytes.length && bytes[at] !== RECORD_HANDSHAKE) return invalid("not a TLS handshake record");
    if (bytes.length - at < RECORD_HEADER_BYTES) return INCOMPLETE;
    if (bytes[at + 1] !== 3) return invalid("not TLS 1.x");
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0 || length > RECORD_BYTES_MAX) return invalid("bad record length");
    if (bytes.length - at < RECORD_HEADER_BYTES + length) {
      return bytes.length >= CLIENT_HELLO_BYTES_MAX ? invalid("ClientHello too long") : INCOMPLETE;
    }
    fragments.push(bytes.subarray(at + RECORD_HEADER_BYTES, at + RECORD_HEADER_BYTES + length));
    gathered += length;
    at += RECORD_HEADER_BYTES + length;
    if (gathered < 4) continue;
    const handshake = fragments.length === 1 ? (fragments[0] ?? bytes) : Buffer.concat(fragments, gathered);
    if (handshake[0] !== HANDSHAKE_CLIENT_HELLO) return invalid("not a ClientHello");
    const helloBytes = handshake.readUIntBE(1, 3);
    if (helloBytes > CLIENT_HELLO_BYTES_MAX) return invalid("ClientHello too long");
    if (gathered >= 4 + helloBytes) return decodeServerName(handshake.subarray(4, 4 + helloBytes));
  }
}

/** Walks `hello`: version 2, random 32, session id, cipher suites, compression methods, extensions. */
function decodeServerName(hello: Buffer): ClientHelloResult {
  let at = 34;
  at = skipVector(hello, at, 1);
  at = skipVector(hello, at, 2);
  at = skipVector(hello, at, 1);
  if (at < 0) return invalid("truncated ClientHello");
  if (at === hello.length) return { kind: "hello", serverName: "" };
  if (hello.length - at < 2 || hello.readUInt16BE(at) !== hello.length - at - 2)
    return invalid("bad extensions length");
  at += 2;
  while (at < hello.length) {
    if (hello.length - at < 4) return invalid("truncated extension");
    const type = hello.readUInt16BE(at);
    const end = at + 4 + hello.readUInt16BE(at + 2);
    if (end > hello.length) return invalid("truncated extension");
    if (type === EXTENSION_SERVER_NAME) return decodeServerNameExtension(hello.subarray(at + 4, end));
    at = end;
  }
  return { kind: "hello", serverName: "" };
}

/** End of the vector at `at` whose length takes `lengthBytes`; -1 when it does not fit. Passes -1 on. */
function skipVector(hello: Buffer, at: number, lengthBytes: number): number {
  if (at < 0 || at + lengthBytes > hello.length) return -1;
  const end = at + lengthBytes + hello.readUIntBE(at, lengthBytes);
  return end > hello.length ? -1 : end;
}

function decodeServerNameExtension(extension: Buffer): ClientHelloResult {
  if (extension.length < 5 || extension.readUInt16BE(0) !== extension.length - 2)
    return invalid("bad server name list");
  if (extension[2] !== NAME_TYPE_HOST) return invalid("unknown server name type");
  const end = 5 + extension.readUInt16BE(3);
  if (end > extension.length || end === 5) return invalid("bad server name length");
  const name = sliceLatin1(extension, 5, end).toLowerCase();
  if (!/^[a-z0-9_.-]+$/.test(name)) return invalid("bad character in the server name");
  return { kind: "hello", serverName: name.endsWith(".") ? name.slice(0, -1) : name };
}

function invalid(reason: string): ClientHelloResult {
  return { kind: "invalid", reason };
}
