import assert from "node:assert/strict";
import { createRandom, type Random } from "@weft/kernel";
import { type ClientStream, RequestHead, ResponseHead, type ServerStream } from "@weft/contract";
import { PREFACE } from "./frame.ts";
import { Http2Stream } from "./stream.ts";
import {
  block,
  ClientUnderTest,
  END_HEADERS,
  END_STREAM,
  frame,
  GET,
  headers,
  POST,
  ServerUnderTest,
  setting,
  uint32,
} from "./peer.test.ts";

const OK = new ResponseHead(200, ["content-type", "text/plain"], -1);
const PENDING_BYTES_MAX = 200_000;
const BODY = Buffer.alloc(100_000, "x");

/** Frames that make sense by themselves; the fuzz puts them in any order, on any stream, and then breaks some. */
function anyFrame(random: Random): Buffer {
  const id = random.below(12);
  const flags = random.below(2) === 0 ? random.below(256) : END_HEADERS | random.below(2);
  const content = Buffer.alloc(random.below(random.below(20) === 0 ? 17_000 : 40));
  for (let at = 0; at < content.length; at++) content[at] = random.below(256);
  switch (random.below(14)) {
    case 0:
      return headers(id, GET, flags);
    case 1:
      return headers(id, [...POST, "content-length", String(random.below(50))], END_HEADERS);
    case 2:
      return headers(id, ["x-a", "1"], flags);
    case 3:
      return headers(id, [":status", "200", "x-b", "2"], END_HEADERS | random.below(2));
    case 4:
      return frame("CONTINUATION", flags, id, content);
    case 5:
      return frame("DATA", random.below(2) * END_STREAM, id, content);
    case 6:
      return frame("SETTINGS", 0, 0, setting(random.below(10), random.below(70_000)));
    case 7:
      return frame("WINDOW_UPDATE", 0, id, uint32(random.below(100_000)));
    case 8:
      return frame("RST_STREAM", 0, id, uint32(random.below(14)));
    case 9:
      return frame("PING", random.below(2), 0, Buffer.from("weftping"));
    case 10:
      return frame("GOAWAY", 0, 0, Buffer.concat([uint32(random.below(10)), uint32(0)]));
    case 11:
      return frame("HEADERS", flags, id, Buffer.concat([block(GET), content.subarray(0, 20)]));
    default:
      return frame(random.below(12), flags, id, content);
  }
}

function mutate(random: Random, bytes: Buffer): Buffer {
  if (random.below(4) !== 0 || bytes.length === 0) return bytes;
  const mutated = Buffer.from(bytes);
  for (let count = random.below(3); count >= 0; count--) mutated[random.below(bytes.length)] = random.below(256);
  return random.below(8) === 0 ? mutated.subarray(0, random.below(mutated.length)) : mutated;
}

/** What holds for a session whatever it was sent. */
function assertSane(under: ServerUnderTest | ClientUnderTest): void {
  const ends = under.events.filter((event) => event.startsWith("session end"));
  assert.ok(ends.length <= 1, "a session ends once");
  if (ends.length === 0) return;
  assert.equal(under.session.activeStreams, 0, "no stream outlives its session");
  assert.equal(under.events.at(-1), ends[0], "nothing is told after the end");
}

/**
 * One connection's worth of random frames to a server session and to a client session, cut at random places, with
 * answers, resets and consumption at random times in between. Throws when a session does, or breaks its contract.
 */
export function fuzzSessions(seed: number): void {
  const random = createRandom(seed);
  const server = new ServerUnderTest({ streamPendingBytesMax: PENDING_BYTES_MAX }, false);
  const client = new ClientUnderTest({ streamPendingBytesMax: PENDING_BYTES_MAX }, false);
  /** Streams whose head is out, so that bodies may follow. */
  const sending: (ClientStream | ServerStream)[] = [];
  server.onRequest = (stream) => {
    if (random.below(2) === 0) {
      stream.sendHead(OK, random.below(3) === 0);
      sending.push(stream);
    }
    if (random.below(8) === 0) stream.reset("internal");
  };
  server.onData = (stream, byteCount) => stream.consume(random.below(byteCount + 10));
  server.send(PREFACE);
  const start = random.below(10) === 0 ? anyFrame(random) : frame("SETTINGS", 0, 0, setting(4, 50_000));
  server.send(start);
  client.send(start);
  for (let round = 0; round < 60; round++) {
    const bytes = mutate(random, anyFrame(random));
    const cut = random.below(bytes.length + 1);
    for (const under of [server, client]) {
      under.session.receive(bytes, 0, cut);
      under.session.receive(bytes, cut, bytes.length);
      assertSane(under);
      if (random.below(3) === 0) under.output.isCongested = random.below(2) === 0;
      if (!under.output.isCongested) under.session.outputDrained();
    }
    if (client.session.availableStreams > 0 && random.below(2) === 0) {
      sending.push(client.open(new RequestHead("POST", "", "a.test", "/", [], -1), random.below(2) === 0));
    }
    for (const stream of sending) {
      if (random.below(6) === 0) stream.sendData(BODY, 0, random.below(BODY.length), random.below(6) === 0);
      if (random.below(30) === 0) stream.sendTrailers(["x-a", "1"]);
      if (random.below(30) === 0) stream.reset("cancelled");
      if (random.below(4) === 0) stream.consume(random.below(1000));
      assert.ok(stream instanceof Http2Stream && stream.pendingBytes <= PENDING_BYTES_MAX + BODY.length);
    }
    // Whatever was written is made of whole frames.
    server.written();
    client.written();
  }
  if (random.below(2) === 0) server.session.drain();
  server.session.connectionLost("the fuzz is over");
  client.session.receiveEnd();
  for (const under of [server, client]) assert.equal(under.session.activeStreams, 0);
}

// Run as a program it goes on until it finds something: node -C source session.fuzz.ts [first seed]
if (import.meta.main) {
  for (let seed = Number(process.argv[2] ?? 1); ; seed++) {
    try {
      fuzzSessions(seed);
    } catch (error) {
      process.stderr.write(`seed ${seed} fails\n`);
      throw error;
    }
    if (seed % 1000 === 0) process.stdout.write(`${seed} seeds\n`);
  }
}
