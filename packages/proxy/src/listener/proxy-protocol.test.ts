import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { encodeProxyHeader } from "../upstream/proxy-header.ts";
import { crc32c } from "./crc32c.ts";
import { PROXY_HEADER_BYTES_MAX } from "./limits.ts";
import { decodeProxyHeader } from "./proxy-protocol.ts";

const SIGNATURE = "0d0a0d0a000d0a515549540a";

/** Headers as HAProxy 2.6 sends them, or as the specification prints them. */
const GOLDEN: readonly (readonly [what: string, bytes: Buffer, address: string, port: number])[] = [
  ["v1 TCP4", Buffer.from("PROXY TCP4 255.255.255.255 10.0.0.1 65535 443\r\n"), "255.255.255.255", 65_535],
  ["v1 TCP6", Buffer.from("PROXY TCP6 2001:db8::1 ::1 56324 443\r\n"), "2001:db8::1", 56_324],
  ["v1 UNKNOWN", Buffer.from("PROXY UNKNOWN\r\n"), "", 0],
  ["v1 UNKNOWN with more", Buffer.from("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n"), "", 0],
  ["v2 TCP4", Buffer.from(`${SIGNATURE}2111000cc0a80001c0a8000bdc0401bb`, "hex"), "192.168.0.1", 56_324],
  [
    "v2 TCP6",
    Buffer.from(`${SIGNATURE}2121002420010db8000000000000000000000001${"0".repeat(31)}1dc0401bb`, "hex"),
    "2001:db8::1",
    56_324,
  ],
  [
    "v2 TCP4 with a TLV",
    Buffer.from(`${SIGNATURE}21110011c0a80001c0a8000bdc0401bb0400020000`, "hex"),
    "192.168.0.1",
    56_324,
  ],
  [
    "v2 TCP4 with a checksum among other TLVs",
    withChecksum(`${SIGNATURE}2111001dc0a80001c0a8000bdc0401bb0400020000030004000000000100026832`, 36),
    "192.168.0.1",
    56_324,
  ],
  [
    "v2 TCP6 with a checksum",
    withChecksum(`${SIGNATURE}2121002b20010db8000000000000000000000001${"0".repeat(31)}1dc0401bb03000400000000`, 55),
    "2001:db8::1",
    56_324,
  ],
  ["v2 LOCAL with what looks like a wrong checksum", Buffer.from(`${SIGNATURE}2000000703000400000001`, "hex"), "", 0],
  ["v2 LOCAL", Buffer.from(`${SIGNATURE}20000000`, "hex"), "", 0],
  ["v2 of a UNIX socket", Buffer.from(`${SIGNATURE}21310004aabbccdd`, "hex"), "", 0],
  ["v2 of UDP", Buffer.from(`${SIGNATURE}2112000cc0a80001c0a8000bdc0401bb`, "hex"), "", 0],
];

/** `header`, whose checksum at `at` is zero, with the right one. */
function withChecksum(header: string, at: number): Buffer {
  const bytes = Buffer.from(header, "hex");
  assert.equal(bytes.subarray(at - 3, at + 4).toString("hex"), "03000400000000");
  bytes.writeUInt32BE(crc32c(bytes, 0, bytes.length, 0), at);
  return bytes;
}

describe("decodeProxyHeader()", () => {
  for (const [what, bytes, address, port] of GOLDEN) {
    test(`reads ${what} however it is cut`, () => {
      const header = { kind: "header", byteCount: bytes.length, address, port };
      assert.deepEqual(decodeProxyHeader(bytes), header);
      assert.deepEqual(decodeProxyHeader(Buffer.concat([bytes, Buffer.from("GET / HTTP/1.1")])), header);
      for (let end = 0; end < bytes.length; end++) {
        assert.equal(decodeProxyHeader(bytes.subarray(0, end)).kind, "incomplete", `${end} bytes`);
      }
    });
  }

  const malformed: readonly (readonly [what: string, bytes: Buffer])[] = [
    ["an unknown family", Buffer.from("PROXY TCP5 1.1.1.1 1.1.1.1 1 1\r\n")],
    ["an address of the other family", Buffer.from("PROXY TCP4 ::1 ::1 1 1\r\n")],
    ["a host name", Buffer.from("PROXY TCP4 localhost 1.1.1.1 1 1\r\n")],
    ["an octet of 256", Buffer.from("PROXY TCP4 1.1.1.256 1.1.1.1 1 1\r\n")],
    ["a port beyond 65535", Buffer.from("PROXY TCP4 1.1.1.1 1.1.1.1 65536 1\r\n")],
    ["a port with a leading zero", Buffer.from("PROXY TCP4 1.1.1.1 1.1.1.1 01 1\r\n")],
    ["a signed port", Buffer.from("PROXY TCP4 1.1.1.1 1.1.1.1 +1 1\r\n")],
    ["two spaces", Buffer.from("PROXY TCP4  1.1.1.1 1.1.1.1 1 1\r\n")],
    ["too few words", Buffer.from("PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n")],
    ["too many words", Buffer.from("PROXY TCP4 1.1.1.1 1.1.1.1 1 1 1\r\n")],
    ["no end", Buffer.from(`PROXY UNKNOWN ${"a".repeat(200)}`)],
    ["an end too late", Buffer.from(`PROXY UNKNOWN ${"a".repeat(100)}\r\n`)],
    ["v2 of version 1", Buffer.from(`${SIGNATURE}1111000cc0a80001c0a8000bdc0401bb`, "hex")],
    ["v2 with an unknown command", Buffer.from(`${SIGNATURE}2211000cc0a80001c0a8000bdc0401bb`, "hex")],
    ["v2 too short for IPv4", Buffer.from(`${SIGNATURE}21110004c0a80001`, "hex")],
    ["v2 too short for IPv6", Buffer.from(`${SIGNATURE}2121000cc0a80001c0a8000bdc0401bb`, "hex")],
    ["v2 with a TLV cut off", Buffer.from(`${SIGNATURE}2111000ec0a80001c0a8000bdc0401bb0400`, "hex")],
    ["v2 with a TLV beyond its end", Buffer.from(`${SIGNATURE}21110010c0a80001c0a8000bdc0401bb04000200`, "hex")],
    ["v2 with a short checksum", Buffer.from(`${SIGNATURE}21110011c0a80001c0a8000bdc0401bb0300020000`, "hex")],
    ["v2 beyond the limit", Buffer.from(`${SIGNATURE}2111${PROXY_HEADER_BYTES_MAX.toString(16)}`, "hex")],
  ];
  for (const [what, bytes] of malformed) {
    test(`refuses ${what}`, () => assert.equal(decodeProxyHeader(bytes).kind, "invalid"));
  }

  test("refuses a header with a checksum of which any byte was changed", () => {
    const checked = GOLDEN.filter(([what]) => what.includes("checksum") && !what.includes("LOCAL"));
    assert.equal(checked.length, 2);
    for (const [what, bytes] of checked) {
      for (let at = 16; at < bytes.length; at++) {
        const changed = Buffer.from(bytes);
        changed.writeUInt8(changed.readUInt8(at) ^ 0x40, at);
        const result = decodeProxyHeader(changed);
        // Where the checksum's own type is changed there is none.
        const isGone = bytes.toString("hex", at, at + 3) === "030004";
        assert.equal(result.kind, isGone ? "header" : "invalid", `${what}, byte ${at}`);
      }
    }
  });

  test("tells what is no header at all by its first bytes", () => {
    for (const text of ["GET / HTTP/1.1\r\n", "PRI * HTTP/2.0", "POST", "\x16\x03\x01", "proxy TCP4", "\r\n\r\nGET"]) {
      assert.equal(decodeProxyHeader(Buffer.from(text, "latin1")).kind, "absent", text);
    }
  });

  test("never throws, and never asks for more than the limit", () => {
    const begin = fc.constantFrom(Buffer.alloc(0), Buffer.from("PROXY "), Buffer.from(SIGNATURE, "hex"));
    fc.assert(
      fc.property(begin, fc.uint8Array({ maxLength: 300 }), (start, rest) => {
        const bytes = Buffer.concat([start, rest]);
        const result = decodeProxyHeader(bytes);
        if (result.kind === "header") assert.ok(result.byteCount <= bytes.length);
        const padded = decodeProxyHeader(Buffer.concat([bytes, Buffer.alloc(PROXY_HEADER_BYTES_MAX)]));
        assert.notEqual(padded.kind, "incomplete");
      }),
    );
  });
});

describe("encodeProxyHeader()", () => {
  test("is read back as it was written, in both versions and families", () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6());
    const port = fc.integer({ min: 0, max: 65_535 });
    fc.assert(
      fc.property(fc.constantFrom(1 as const, 2 as const), address, address, port, port, (version, from, to, a, b) => {
        const header = encodeProxyHeader(version, { from: { address: from, port: a }, to: { address: to, port: b } });
        const result = decodeProxyHeader(header);
        assert.equal(result.kind, "header");
        if (result.kind !== "header") return;
        assert.equal(result.byteCount, header.length);
        const isOneFamily = from.includes(":") === to.includes(":");
        assert.equal(canonical(result.address), isOneFamily ? canonical(from) : "");
        assert.equal(result.port, isOneFamily ? a : 0);
      }),
    );
  });

  test("names nobody for connections that many share", () => {
    assert.equal(encodeProxyHeader(1, null).toString(), "PROXY UNKNOWN\r\n");
    assert.equal(encodeProxyHeader(2, null).toString("hex"), `${SIGNATURE}20000000`);
  });
});

function canonical(address: string): string {
  return address.includes(":") ? new URL(`http://[${address}]`).hostname : address;
}
