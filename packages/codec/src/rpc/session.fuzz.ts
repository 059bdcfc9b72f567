// Throws mutated frames at the sessions of both RPC protocols. For so many seconds, with a seed:
//     node -C source packages/codec/src/rpc/session.fuzz.ts 60 1234
import assert from "node:assert/strict";
import { createRandom, type Random } from "@weft/kernel";
import type { RecordedStream } from "../http1/recorded-session.fixture.ts";
import * as bolt from "../bolt/bolt.fixture.ts";
import * as dubbo from "../dubbo/dubbo.fixture.ts";
import { DIALECTS, type Dialect } from "./dialect.fixture.ts";

/** What lengths, counts and tags have been fooled with. */
const MORSELS: readonly Buffer[] = [
  "ff",
  "00",
  "7fffffff",
  "80000000",
  "ffffffff",
  "00000004",
  "dabb",
  "0202",
  "5a",
  "48",
].map((digits) => Buffer.from(digits, "hex"));

/** Frames that only one of the protocols has. */
const SPECIALS: Readonly<Record<string, readonly Buffer[]>> = {
  bolt: [
    bolt.frameOf(bolt.V2_CRC),
    bolt.frameOf({ protocolCode: 2, version: 1, switches: 1 }),
    bolt.responseOf({ ...bolt.V2_CRC, id: 1, map: bolt.headerMap({ a: "1", b: null, null: "x" }) }),
    bolt.frameOf({ command: 100, className: "", map: Buffer.alloc(0), content: Buffer.alloc(0) }),
  ],
  dubbo: [
    dubbo.frameOf({ body: dubbo.requestBody("Lcom/Car;[I", "C\x03Car\x91\x05color\x60\x03redX\x92\x90\x91") }),
    dubbo.frameOf({ flags: 0xa2, body: Buffer.from("\x01R", "latin1") }),
    dubbo.frameOf({ flags: 0xc6, body: Buffer.from("opaque") }),
    dubbo.responseOf({ status: 80 }),
  ],
};

function choose<T>(random: Random, items: readonly T[]): T {
  const item = items[random.below(items.length)];
  assert.ok(item !== undefined);
  return item;
}

function mutate(random: Random, bytes: Buffer): Buffer {
  for (let count = random.below(4); count > 0; count--) {
    const at = random.below(bytes.length + 1);
    const kind = random.below(3);
    const morsel = choose(random, MORSELS);
    // Written over, put between, or taken out.
    const rest = bytes.subarray(Math.min(bytes.length, kind === 1 ? at : at + morsel.length));
    bytes = Buffer.concat(kind === 2 ? [bytes.subarray(0, at), rest] : [bytes.subarray(0, at), morsel, rest]);
  }
  return bytes;
}

function describe(stream: RecordedStream): unknown {
  const { requestHead, responseHead, body, isComplete, reset } = stream;
  const request = requestHead === null ? null : [requestHead.authority, requestHead.path, requestHead.fields];
  const response = responseHead === null ? null : [responseHead.status, responseHead.fields];
  return { request, response, body, isComplete, isReset: reset !== null };
}

function feedInPieces(random: Random, bytes: Buffer, pieceBytesMax: number, feed: (piece: Buffer) => void): void {
  for (let at = 0; at < bytes.length;) {
    const next = at + 1 + random.below(pieceBytesMax);
    feed(bytes.subarray(at, next));
    at = next;
  }
}

/** All that a server session makes of `bytes`, cut into pieces of up to `pieceBytesMax` bytes. */
function serve(random: Random, dialect: Dialect, bytes: Buffer, pieceBytesMax: number): unknown {
  const server = dialect.server({ frameBytesMax: 2000, streamsMax: 3 });
  const answer = dialect.responseHead("fine");
  const body = dialect.responseBody("fine");
  server.onAccepted = (request) => {
    const { stream } = request;
    request.onComplete = () => {
      stream?.sendHead(answer, false);
      stream?.sendData(body, 0, body.length, true);
    };
  };
  feedInPieces(random, bytes, pieceBytesMax, (piece) => server.feed(piece));
  server.session.receiveEnd();
  assert.ok(server.endCount <= 1, "a session ends once");
  assert.ok(server.endCount === 0 || server.session.activeStreams === 0, "no stream is open at the end");
  const output = server.bytes();
  // What we say is always in whole frames.
  dialect.frames(output);
  const { refusals, protocolErrors, ended } = server;
  return { requests: server.requests.map(describe), refusals, protocolErrors, ended: String(ended), output };
}

/** What a client session with three requests, one of them given up, makes of `bytes`. */
function receive(random: Random, dialect: Dialect, bytes: Buffer, pieceBytesMax: number): unknown {
  const client = dialect.client({ frameBytesMax: 2000 });
  const calls = [1, 2, 3].map(() => client.call(dialect.requestHead(), dialect.requestBody("content")));
  calls[2]?.stream.reset("timeout");
  client.session.ping();
  feedInPieces(random, bytes, pieceBytesMax, (piece) => client.feed(piece));
  client.session.receiveEnd();
  assert.equal(client.endCount, 1, "a session ends once");
  for (const { answer } of calls.slice(0, 2)) assert.ok(answer.isComplete !== (answer.reset !== null));
  const output = client.bytes();
  dialect.frames(output);
  const { pongCount, drainingCount, ended } = client;
  return {
    answers: calls.map(({ answer }) => describe(answer)),
    pongCount,
    drainingCount,
    ended: String(ended),
    output,
  };
}

/** One round: whatever is sent, how it is cut into reads makes no difference. */
export function fuzzRound(seed: number): void {
  const random = createRandom(seed);
  for (const dialect of DIALECTS) {
    const requests = [dialect.request(1), dialect.request(2, "x", true), dialect.heartbeat(3), dialect.response(9)];
    const responses = [1, 2, 3, 4].map((id) => dialect.response(id, "x".repeat(random.below(40))));
    const specials = SPECIALS[dialect.name] ?? [];
    for (const [frames, run] of [
      [[...requests, ...specials], serve],
      [[...responses, dialect.heartbeat(5), dialect.request(6), ...specials], receive],
    ] as const) {
      const parts = Array.from({ length: 1 + random.below(4) }, () => choose(random, frames));
      const bytes = mutate(random, Buffer.concat(parts));
      const whole = run(random, dialect, bytes, bytes.length + 1);
      for (const pieceBytesMax of [1, 3, 40]) {
        const pieces = run(random, dialect, bytes, pieceBytesMax);
        assert.deepEqual(pieces, whole, `seed ${seed}, ${dialect.name}: ${bytes.toString("hex")}`);
      }
    }
  }
}

if (import.meta.main) {
  const seconds = Number(process.argv[2] ?? "10");
  const first = Number(process.argv[3] ?? Date.now() % 1_000_000_000);
  process.stdout.write(`seed ${first}, ${seconds} s\n`);
  const until = Date.now() + seconds * 1000;
  let seed = first;
  while (Date.now() < until) fuzzRound(seed++);
  process.stdout.write(`${seed - first} rounds, no difference\n`);
}
