import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { Duplex } from "node:stream";
import { describe, test } from "node:test";
import fc from "fast-check";
import { decodeClientHello } from "./client-hello.ts";
import { CLIENT_HELLO_BYTES_MAX } from "./limits.ts";

/** The first flight of node:tls (OpenSSL) with these options. */
async function recordClientHello(options: ConnectionOptions): Promise<Buffer> {
  const written: Buffer[] = [];
  const wire = new Duplex({
    read(): void {},
    write(bytes: Buffer, _encoding, done): void {
      written.push(bytes);
      this.emit("sent");
      done();
    },
  });
  const sent = once(wire, "sent");
  const socket = connectTls({ ...options, socket: wire, rejectUnauthorized: false });
  socket.on("error", () => {});
  await sent;
  socket.destroy();
  return Buffer.concat(written);
}

/** The same handshake message in records of `size` bytes. */
function inRecords(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const piece = message.subarray(at, at + size);
    records.push(Buffer.of(22, 3, 1, piece.length >> 8, piece.length & 255), piece);
  }
  return Buffer.concat(records);
}

/** A ClientHello by hand: version, random, no session, one suite, no compression, then `extensions`. */
function createHello(extensions: Buffer, extra: Partial<{ length: number; type: number }> = {}): Buffer {
  const body = Buffer.concat([
    Buffer.from("0303", "hex"),
    Buffer.alloc(32),
    Buffer.from("00000213010100", "hex"),
    uint16(extensions.length),
    extensions,
  ]);
  const length = extra.length ?? body.length;
  const message = Buffer.concat([Buffer.of(extra.type ?? 1, length >> 16, (length >> 8) & 255, length & 255), body]);
  return Buffer.concat([Buffer.from("160301", "hex"), uint16(message.length), message]);
}

function uint16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 255);
}

function serverName(name: Buffer, type = 0): Buffer {
  const entry = Buffer.concat([Buffer.of(type), uint16(name.length), name]);
  const list = Buffer.concat([uint16(entry.length), entry]);
  return Buffer.concat([uint16(0), uint16(list.length), list]);
}

describe("decodeClientHello()", () => {
  test("finds the server name in what OpenSSL sends, in TLS 1.2 and 1.3", async () => {
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      const hello = await recordClientHello({ servername: "Db.Example.com", maxVersion, ALPNProtocols: ["h2"] });
      assert.deepEqual(decodeClientHello(hello), { kind: "hello", serverName: "db.example.com" });
      for (let end = 0; end < hello.length; end++) {
        assert.equal(decodeClientHello(hello.subarray(0, end)).kind, "incomplete", `${end} bytes`);
      }
      for (const size of [1, 3, 4, 5, 100]) {
        const split = inRecords(hello, size);
        assert.deepEqual(decodeClientHello(split), { kind: "hello", serverName: "db.example.com" });
        assert.equal(decodeClientHello(split.subarray(0, split.length - 1)).kind, "incomplete");
      }
    }
  });

  test("finds none where the client names none", async () => {
    const hello = await recordClientHello({});
    assert.deepEqual(decodeClientHello(hello), { kind: "hello", serverName: "" });
    assert.deepEqual(decodeClientHello(createHello(Buffer.alloc(0))), { kind: "hello", serverName: "" });
  });

  test("drops the last dot", () => {
    const hello = createHello(serverName(Buffer.from("a.example.")));
    assert.deepEqual(decodeClientHello(hello), { kind: "hello", serverName: "a.example" });
  });

  const name = Buffer.from("a.example");
  const malformed: readonly (readonly [what: string, bytes: Buffer])[] = [
    ["plain text", Buffer.from("GET / HTTP/1.1\r\n")],
    ["SSL 2", Buffer.from("802e0100020015000000100100800200", "hex")],
    ["another record type", Buffer.from("1703010005", "hex")],
    ["another major version", Buffer.from("1602000005", "hex")],
    ["an empty record", Buffer.from("1603010000", "hex")],
    ["a record that is too long", Buffer.from("160301ffff", "hex")],
    ["another handshake message", createHello(serverName(name), { type: 2 })],
    ["a message of 16 MB", createHello(serverName(name), { length: 0xffffff })],
    [
      "a second record of another type",
      Buffer.concat([createHello(serverName(name), { length: 900 }), Buffer.of(21, 3, 1, 0, 2)]),
    ],
    ["an extension that is cut", createHello(serverName(name).subarray(0, 8))],
    ["a name of another type", createHello(serverName(name, 1))],
    ["an empty name", createHello(serverName(Buffer.alloc(0)))],
    ["NUL in the name", createHello(serverName(Buffer.from("a\0.example")))],
    ["a slash in the name", createHello(serverName(Buffer.from("a/../b")))],
    ["bytes above 127 in the name", createHello(serverName(Buffer.from([0xe4])))],
  ];
  for (const [what, bytes] of malformed) {
    test(`refuses ${what}`, () => assert.equal(decodeClientHello(bytes).kind, "invalid"));
  }

  test("does not gather for ever", () => {
    const hello = createHello(serverName(name), { length: CLIENT_HELLO_BYTES_MAX });
    const more = Buffer.concat([hello, inRecords(Buffer.alloc(CLIENT_HELLO_BYTES_MAX + 5), 1000)]);
    assert.notEqual(decodeClientHello(more).kind, "incomplete");
  });

  test("never throws, whatever is changed in a real one", async () => {
    const hello = await recordClientHello({ servername: "db.example.com" });
    fc.assert(
      fc.property(fc.nat(hello.length - 1), fc.nat(255), fc.nat(hello.length), (at, value, end) => {
        const changed = Buffer.from(hello);
        changed[at] = value;
        decodeClientHello(changed.subarray(0, end));
        decodeClientHello(inRecords(changed, 7));
      }),
      { numRuns: 2000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decodeClientHello(Buffer.from(bytes))));
  });
});
