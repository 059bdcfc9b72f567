import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ListenerConfig } from "@weft/contract";
import { createCluster, createListener } from "@weft/testkit";
import {
  block,
  connectFrames,
  END_HEADERS,
  END_STREAM,
  frame,
  FRAME,
  type FrameClient,
  get,
  request,
} from "./http2-frames.fixture.ts";
import { assertBalanced, type ProxyFixture, startProxy, startTcpServer, until } from "./proxy.fixture.ts";

const PROTOCOL_ERROR = 1;
const REFUSED_STREAM = 7;
const ENHANCE_YOUR_CALM = 11;

type Field = readonly [name: string, value: string];

/** An edge proxy before a host that notes every byte and answers each head when `answers` says so. */
async function startGuarded(
  listener: Partial<ListenerConfig> = {},
  answers = true,
): Promise<ProxyFixture & { seen: () => string }> {
  const chunks: Buffer[] = [];
  const { port: host } = await startTcpServer((socket) => {
    socket.on("data", (bytes: Buffer) => {
      chunks.push(bytes);
      if (answers && bytes.includes("\r\n\r\n")) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    });
  });
  const fixture = await startProxy([createCluster([host])], undefined, createListener({ isEdge: true, ...listener }));
  return { ...fixture, seen: () => Buffer.concat(chunks).toString("latin1") };
}

/** A sound request still works on the connection. */
async function assertAlive(client: FrameClient, streamId: number): Promise<void> {
  client.socket.write(request(streamId, get()));
  await client.wait((each) => each.type === FRAME.data && each.streamId === streamId, "answer to a sound request");
}

async function waitForGoaway(client: FrameClient): Promise<number> {
  const goaway = await client.wait(
    (each) => each.type === FRAME.goaway && each.payload.readUInt32BE(4) !== 0,
    "GOAWAY",
  );
  await client.end();
  return goaway.payload.readUInt32BE(4);
}

function without(name: string, ...more: readonly Field[]): Field[] {
  return [...get().filter(([each]) => each !== name), ...more];
}

const MALFORMED_HEADS: readonly (readonly [what: string, fields: readonly Field[]])[] = [
  ["an upper-case name", get(["X-User", "a"])],
  ["connection", get(["connection", "close"])],
  ["transfer-encoding", get(["transfer-encoding", "chunked"])],
  ["keep-alive", get(["keep-alive", "5"])],
  ["proxy-connection", get(["proxy-connection", "close"])],
  ["upgrade", get(["upgrade", "h2c"])],
  ["te other than trailers", get(["te", "gzip"])],
  ["no method", without(":method")],
  ["no scheme", without(":scheme")],
  ["no path", without(":path")],
  ["an empty path", without(":path", [":path", ""])],
  ["two paths", get([":path", "/evil"])],
  ["two methods", get([":method", "POST"])],
  ["an unknown pseudo field", get([":evil", "a"])],
  ["a response's pseudo field", get([":status", "200"])],
  ["a pseudo field behind a field", [["x-a", "b"], ...get()]],
  ["CR LF in a value", get(["x-a", "b\r\nx-evil: 1"])],
  ["LF in a value", get(["x-a", "b\nx-evil: 1"])],
  ["NUL in a value", get(["x-a", "b\0c"])],
  ["CR LF in a name", get(["x-a\r\nx-evil", "1"])],
  ["a space in a name", get(["x a", "1"])],
  ["a colon in a name", get(["x:a", "1"])],
  ["an empty name", get(["", "1"])],
  ["a leading space in a value", get(["x-a", " b"])],
  ["CR LF in the path", without(":path", [":path", "/a\r\nx-evil: 1"])],
  ["a space in the path", without(":path", [":path", "/a HTTP/1.1\r\nhost: evil"])],
  ["a path that does not begin with a slash", without(":path", [":path", "a"])],
  ["CR LF in the method", without(":method", [":method", "GET / HTTP/1.1\r\nx-evil: 1"])],
  ["CR LF in the authority", without(":authority", [":authority", "a\r\nx-evil: 1"])],
  ["user data in the authority", without(":authority", [":authority", "evil@a"])],
  ["authority and host that disagree", get(["host", "evil.example"])],
  ["CONNECT with a path", without(":method", [":method", "CONNECT"])],
  ["content-length of two values", get(["content-length", "0"], ["content-length", "1"])],
  ["content-length with a sign", get(["content-length", "+0"])],
  ["content-length without a body", get(["content-length", "5"])],
];

describe("HTTP/2 heads that are refused (rows 5, 7, 18, 23)", () => {
  for (const [what, fields] of MALFORMED_HEADS) {
    test(`${what} resets the stream, and nothing reaches the host`, async () => {
      const { port, proxy, seen } = await startGuarded();
      const client = connectFrames(port);
      client.socket.write(request(1, fields));
      const answer = await client.wait(
        (each) => each.streamId === 1 && (each.type === FRAME.reset || each.type === FRAME.headers),
        "an answer",
      );
      // A refusal in HTTP's own words (400) is as good; a 200 is not.
      if (answer.type === FRAME.reset) assert.equal(answer.payload.readUInt32BE(0), PROTOCOL_ERROR);
      else assert.equal(answer.payload[0], 0x8c, "400");
      assert.equal(seen(), "");
      await assertAlive(client, 3);
      assert.doesNotMatch(seen(), /evil/);
      client.socket.destroy();
      await assertBalanced(proxy);
    });
  }

  test("a head beyond the limit is answered 431 (row 9)", async () => {
    const { port, seen } = await startGuarded({ headerBytesMax: 8000 });
    const client = connectFrames(port);
    client.socket.write(request(1, get(["x-a", "a".repeat(9000)])));
    const answer = await client.wait((each) => each.type === FRAME.headers && each.streamId === 1, "an answer");
    assert.ok(answer.payload.includes("431"));
    assert.equal(seen(), "");
    await assertAlive(client, 3);
  });

  test("an underscore is refused at the edge as in HTTP/1 (row 8)", async () => {
    const { port, seen } = await startGuarded();
    const client = connectFrames(port);
    client.socket.write(request(1, get(["x_user", "admin"])));
    await client.wait((each) => each.streamId === 1, "an answer");
    assert.equal(seen(), "");
  });
});

describe("HTTP/2 bodies (row 18)", () => {
  const post = (length: string): Field[] => without(":method", [":method", "POST"], ["content-length", length]);

  test("one that is longer than announced is reset, and the host sees no more than was announced", async () => {
    const { port, proxy, seen } = await startGuarded({}, false);
    const client = connectFrames(port);
    client.socket.write(frame(FRAME.headers, END_HEADERS, 1, block(post("5"))));
    client.socket.write(frame(FRAME.data, END_STREAM, 1, Buffer.from("hello world")));
    const reset = await client.wait((each) => each.type === FRAME.reset, "RST_STREAM");
    assert.equal(reset.payload.readUInt32BE(0), PROTOCOL_ERROR);
    client.socket.destroy();
    await assertBalanced(proxy);
    assert.ok(!seen().includes("world"), seen());
  });

  test("one that is shorter than announced is reset, and the host sees no end", async () => {
    const { port, proxy } = await startGuarded({}, false);
    const client = connectFrames(port);
    client.socket.write(frame(FRAME.headers, END_HEADERS, 1, block(post("50"))));
    client.socket.write(frame(FRAME.data, END_STREAM, 1, Buffer.from("hello")));
    const reset = await client.wait((each) => each.type === FRAME.reset, "RST_STREAM");
    assert.equal(reset.payload.readUInt32BE(0), PROTOCOL_ERROR);
    client.socket.destroy();
    await assertBalanced(proxy);
  });

  test("malformed trailers are not passed on", async () => {
    const { port, proxy, seen } = await startGuarded({}, false);
    const client = connectFrames(port);
    client.socket.write(frame(FRAME.headers, END_HEADERS, 1, block(without(":method", [":method", "POST"]))));
    client.socket.write(frame(FRAME.data, 0, 1, Buffer.from("hello")));
    const trailers = block([["x-a", "b\r\n\r\nGET /evil HTTP/1.1"]]);
    client.socket.write(frame(FRAME.headers, END_HEADERS | END_STREAM, 1, trailers));
    const reset = await client.wait((each) => each.type === FRAME.reset, "RST_STREAM");
    assert.equal(reset.payload.readUInt32BE(0), PROTOCOL_ERROR);
    client.socket.destroy();
    await assertBalanced(proxy);
    assert.ok(!seen().includes("evil"));
  });
});

describe("HTTP/2 floods end the connection", () => {
  test("rapid reset (row 13): ENHANCE_YOUR_CALM, and the books balance", async () => {
    const { port, proxy } = await startGuarded({}, false);
    const client = connectFrames(port);
    const cancel = Buffer.from([0, 0, 0, 8]);
    for (let streamId = 1; streamId < 3000; streamId += 2) {
      client.socket.write(Buffer.concat([request(streamId, get()), frame(FRAME.reset, 0, streamId, cancel)]));
    }
    assert.equal(await waitForGoaway(client), ENHANCE_YOUR_CALM);
    await assertBalanced(proxy);
  });

  test("CONTINUATION without end (row 14)", async () => {
    const { port, proxy, seen } = await startGuarded();
    const client = connectFrames(port);
    client.socket.write(frame(FRAME.headers, END_STREAM, 1, block(get())));
    for (let count = 0; count < 200; count++) {
      client.socket.write(frame(FRAME.continuation, 0, 1, block([[`x-${count}`, "a"]])));
    }
    assert.notEqual(await waitForGoaway(client), 0);
    assert.equal(seen(), "");
    await assertBalanced(proxy);
  });

  const floods: readonly (readonly [what: string, one: Buffer])[] = [
    ["PING", frame(FRAME.ping, 0, 0, Buffer.alloc(8))],
    ["SETTINGS", frame(FRAME.settings, 0, 0)],
    ["PRIORITY", frame(FRAME.priority, 0, 1, Buffer.from([0, 0, 0, 0, 1]))],
    ["WINDOW_UPDATE", frame(FRAME.windowUpdate, 0, 0, Buffer.from([0, 0, 0, 1]))],
    ["empty DATA", frame(FRAME.data, 0, 1)],
  ];
  for (const [what, one] of floods) {
    test(`${what} (row 15)`, async () => {
      const { port, proxy } = await startGuarded({}, false);
      const client = connectFrames(port);
      client.socket.write(frame(FRAME.headers, END_HEADERS, 1, block(without(":method", [":method", "POST"]))));
      for (let count = 0; count < 50; count++)
        client.socket.write(Buffer.concat(Array.from({ length: 100 }, () => one)));
      assert.equal(await waitForGoaway(client), ENHANCE_YOUR_CALM);
      await assertBalanced(proxy);
    });
  }

  test("a header table that unfolds without measure (row 17)", async () => {
    const { port, proxy, seen } = await startGuarded();
    const client = connectFrames(port);
    // One entry of 4000 bytes, then thousands of references to it: 16 MB of fields in 4 KB.
    const name = Buffer.concat([Buffer.of(0x40, 1, 0x78, 0x7f, 0xa1, 0x1e), Buffer.alloc(4000, "a")]);
    const bomb = Buffer.concat([block(get()), name, Buffer.alloc(4000, 0xbe)]);
    client.socket.write(frame(FRAME.headers, END_STREAM | END_HEADERS, 1, bomb));
    const answer = await client.wait((each) => each.streamId === 1 || each.type === FRAME.goaway, "a refusal");
    assert.notEqual(answer.type, FRAME.data);
    assert.equal(seen(), "");
    client.socket.destroy();
    await assertBalanced(proxy);
  });
});

describe("HTTP/2 limits", () => {
  test("streams beyond the listener's limit are refused unprocessed (row 19)", async () => {
    const { port, proxy } = await startGuarded({ http2StreamsMax: 5 }, false);
    const client = connectFrames(port);
    for (let streamId = 1; streamId < 15; streamId += 2) client.socket.write(request(streamId, get()));
    const reset = await client.wait((each) => each.type === FRAME.reset, "RST_STREAM");
    assert.deepEqual([reset.streamId, reset.payload.readUInt32BE(0)], [11, REFUSED_STREAM]);
    client.socket.destroy();
    await assertBalanced(proxy);
  });

  test("a client that opens no window is cut off, and holds little meanwhile (row 16)", async () => {
    let sent = 0;
    const { port: host } = await startTcpServer((socket) => {
      socket.once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n");
        const more = (): void => {
          while (sent < 50_000_000) {
            sent += 100_000;
            if (!socket.write(Buffer.alloc(100_000))) return void socket.once("drain", more);
          }
        };
        more();
      });
    });
    const listener = createListener({ streamIdleTimeoutMs: 150 });
    const { port, proxy } = await startProxy([createCluster([host])], undefined, listener);
    // SETTINGS_INITIAL_WINDOW_SIZE 0.
    const client = connectFrames(port, Buffer.from([0, 4, 0, 0, 0, 0]));
    client.socket.write(request(1, get()));
    await client.wait((each) => each.type === FRAME.headers, "the head");
    await client.wait((each) => each.type === FRAME.reset && each.streamId === 1, "RST_STREAM");
    assert.ok(sent < 20_000_000, `${sent} bytes left the host`);
    client.socket.destroy();
    await assertBalanced(proxy);
  });

  test("a head that never ends is cut off (row 20)", async () => {
    const { port, proxy } = await startGuarded({ headerTimeoutMs: 60 });
    const client = connectFrames(port);
    client.socket.write(request(1, get()).subarray(0, 12));
    await client.wait((each) => each.type === FRAME.goaway, "GOAWAY");
    await until(() => client.socket.readableEnded || client.socket.destroyed, "the end");
    await assertBalanced(proxy);
  });
});
