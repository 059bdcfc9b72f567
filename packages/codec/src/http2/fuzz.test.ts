import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ResponseHead } from "@weft/contract";
import { PREFACE } from "./frame.ts";
import {
  END_HEADERS,
  END_STREAM,
  frame,
  GET,
  headers,
  PADDED,
  POST,
  ServerUnderTest,
  setting,
  uint32,
} from "./peer.test.ts";
import { fuzzSessions } from "./session.fuzz.ts";

test("sessions survive random frames, well formed and not, and keep their contract", () => {
  for (let seed = 1; seed <= 300; seed++) {
    try {
      fuzzSessions(seed);
    } catch (error) {
      throw new Error(`seed ${seed} fails`, { cause: error });
    }
  }
});

/** A conversation with every kind of frame in it. */
const CONVERSATION: Buffer = Buffer.concat([
  PREFACE,
  frame("SETTINGS", 0, 0, Buffer.concat([setting(4, 100_000), setting(1, 1000)])),
  headers(1, GET),
  headers(3, [...POST, "content-length", "500"], END_HEADERS),
  frame("DATA", 0, 3, Buffer.alloc(300, "a")),
  frame("PING", 0, 0, "12345678"),
  frame("DATA", PADDED, 3, Buffer.concat([Buffer.from([20]), Buffer.alloc(120, "b")])),
  frame("HEADERS", END_STREAM, 5, headers(5, GET).subarray(9, 20)),
  frame("CONTINUATION", 0, 5, headers(5, GET).subarray(20, 22)),
  frame("CONTINUATION", END_HEADERS, 5, headers(5, GET).subarray(22)),
  frame("DATA", 0, 3),
  frame("DATA", END_STREAM | PADDED, 3, Buffer.concat([Buffer.from([1]), Buffer.alloc(101, "c")])),
  headers(7, POST, END_HEADERS),
  frame("WINDOW_UPDATE", 0, 7, uint32(7)),
  frame("DATA", 0, 7, "abc"),
  headers(7, ["grpc-status", "0"]),
  headers(9, POST, END_HEADERS),
  frame("RST_STREAM", 0, 9, uint32(8)),
  frame(0x55, 0, 3, "unknown"),
  headers(11, [...GET, "X", "1"]),
  frame("DATA", 0, 11, "late"),
  frame("SETTINGS", 0, 0, Buffer.alloc(5)),
  headers(13, GET),
]);

/** Events with the pieces of each body put together, and the bytes of the answers. */
function converse(cuts: readonly number[]): { readonly events: readonly string[]; readonly output: string } {
  const server = new ServerUnderTest({}, false);
  const bodies = new Map<string, number>();
  server.onRequest = (stream, head) => head.method === "GET" && stream.sendHead(new ResponseHead(204, [], 0), true);
  let at = 0;
  for (const cut of [...cuts, CONVERSATION.length]) {
    // Each read has its own memory, which is gone after the call.
    const read = Buffer.from(CONVERSATION.subarray(at, Math.max(at, cut)));
    server.session.receive(read, 0, read.length);
    read.fill(0xee);
    at = Math.max(at, cut);
  }
  const events: string[] = [];
  for (const event of server.heard()) {
    const [kind, id = "", count = "0", end = ""] = event.split(" ");
    if (kind !== "data") {
      events.push(event);
      continue;
    }
    bodies.set(id, (bodies.get(id) ?? 0) + Number(count));
    if (end !== "") events.push(`body ${id} of ${bodies.get(id)}`);
  }
  return { events, output: server.takeBytes().toString("latin1") };
}

test("any split of the byte stream gives the same events and the same answers", () => {
  const whole = converse([]);
  assert.deepEqual(whole.events, [
    "request 1 GET / end",
    "request 2 POST /up",
    "request 3 GET / end",
    "body 2 of 500",
    "request 4 POST /up",
    "trailers 4 grpc-status=0",
    "request 5 POST /up",
    "reset 5 cancelled",
    "reset 2 protocol",
    "reset 4 protocol",
    "session end HTTP2_FRAME_SIZE_ERROR",
  ]);
  for (let size = 1; size <= 12; size++) {
    const cuts = Array.from({ length: Math.floor(CONVERSATION.length / size) }, (_, index) => (index + 1) * size);
    assert.deepEqual(converse(cuts), whole, `reads of ${size} bytes`);
  }
  const cut = fc.integer({ min: 0, max: CONVERSATION.length });
  fc.assert(
    fc.property(fc.array(cut, { maxLength: 12 }), (cuts) => {
      assert.deepEqual(converse(cuts.sort((left, right) => left - right)), whole);
    }),
    { numRuns: 200 },
  );
});
