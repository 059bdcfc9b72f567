// Throws mutated HTTP/1 at both sessions. For so many seconds, with a seed:
//     node -C source packages/codec/src/http1/session.fuzz.ts 60 1234
import assert from "node:assert/strict";
import { NO_FIELDS, RequestHead } from "@weft/contract";
import { createRandom, type Random } from "@weft/kernel";
import { RecordedClient, RecordedServer, type RecordedStream } from "./recorded-session.fixture.ts";

const REQUESTS: readonly string[] = [
  "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
  "POST /p?q=1 HTTP/1.1\r\nHost: a:80\r\nContent-Length: 5\r\n\r\nhello",
  "POST /c HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\na\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n",
  "HEAD /h HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, x-a\r\nX-A: 1\r\nAccept: */*\r\n\r\n",
  "GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
  "GET http://a/abs HTTP/1.1\r\nHost: a\r\nCookie: \xe4=1; b=2\r\n\r\n",
  "PUT /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
  "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\nraw bytes",
  "\r\n",
];

const ANSWERS: readonly string[] = [
  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: x\r\n\r\nhello",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
  "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n",
  "HTTP/1.0 200 OK\r\n\r\nuntil close",
  "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno",
];

/** What parsers have been fooled with. */
const MORSELS: readonly string[] = [
  "\r",
  "\n",
  "\r\n",
  "\r\n\r\n",
  "\n\n",
  "\0",
  " ",
  "\t",
  "\v",
  ":",
  ";",
  ",",
  "0",
  "5",
  "f",
  "-1",
  "0x",
  "ffffffffffffffff",
  "Content-Length: 3\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: xchunked\r\n",
  "Host: b\r\n",
  " x: y\r\n",
  "Connection: close\r\n",
  "Connection: host\r\n",
  "Upgrade: h2c\r\n",
  "HTTP/1.0",
  "HTTP/2.0",
  "0\r\n\r\n",
  "\x80",
  "\xff",
  "#",
  "GET ",
];

function choose<T>(random: Random, items: readonly [T, ...T[]] | readonly T[]): T {
  const item = items[random.below(items.length)];
  assert.ok(item !== undefined);
  return item;
}

function mutate(random: Random, text: string): string {
  for (let count = random.below(4); count > 0; count--) {
    const at = random.below(text.length + 1);
    const width = random.below(3) === 0 ? random.below(12) : random.below(2);
    const insert = random.below(4) === 0 ? text.slice(at, at + random.below(40)) : choose(random, MORSELS);
    text = text.slice(0, at) + (random.below(4) === 0 ? "" : insert) + text.slice(at + width);
  }
  return text;
}

function join(random: Random, texts: readonly string[]): string {
  let joined = "";
  for (let count = 1 + random.below(4); count > 0; count--) joined += choose(random, texts);
  return joined;
}

function describeStream(stream: RecordedStream): unknown {
  const head = stream.requestHead;
  return {
    request:
      head === null ? null : [head.method, head.authority, head.path, head.fields, head.contentLength, head.upgrade],
    response: stream.responseHead === null ? null : [stream.responseHead.status, stream.responseHead.fields],
    informational: stream.informational.map((informational) => informational.status),
    body: stream.body,
    trailers: stream.trailers,
    isComplete: stream.isComplete,
    reset: stream.reset,
  };
}

/** Cuts `text` at random places and hands the pieces on. */
function feedInPieces(random: Random, text: string, pieceBytesMax: number, feed: (piece: string) => void): void {
  for (let at = 0; at < text.length;) {
    const next = at + 1 + random.below(pieceBytesMax);
    feed(text.slice(at, next));
    at = next;
  }
}

/** All that a server session makes of `text`, cut into pieces of up to `pieceBytesMax` bytes. */
export function serve(random: Random, text: string, pieceBytesMax: number): unknown {
  const server = new RecordedServer({ headerBytesMax: 400, targetBytesMax: 100, trailerBytesMax: 60, headersMax: 8 });
  server.onAccepted = (request) => {
    const answer = (): void => server.answer(request.requestHead?.path === "/h" ? 204 : 200, request.body);
    if (request.isComplete || (request.requestHead?.contentLength === -1 && request.requestHead.method === "CONNECT"))
      answer();
    else request.onComplete = answer;
    if (request.requestHead?.upgrade !== "" && !request.isComplete) server.answer(426);
  };
  feedInPieces(random, text, pieceBytesMax, (piece) => server.feed(piece));
  server.session.receiveEnd();
  assert.ok(server.endCount <= 1, "a session ends once");
  assert.ok(server.endCount === 0 || server.session.activeStreams === 0, "no stream is open at the end");
  return { requests: server.requests.map(describeStream), ended: String(server.ended), output: server.text() };
}

/**
 * What a client session makes of `text` as the answer to one request. How the session ends is left out: bytes behind
 * the answer are an error or come too late, depending on when they come.
 */
export function receive(random: Random, text: string, pieceBytesMax: number): unknown {
  const client = new RecordedClient({ headerBytesMax: 400, trailerBytesMax: 60, headersMax: 8 });
  const { answer } = client.open(new RequestHead("GET", "", "a", "/", NO_FIELDS, 0));
  feedInPieces(random, text, pieceBytesMax, (piece) => client.feed(piece));
  client.session.receiveEnd();
  assert.equal(client.endCount, 1, "a session ends once");
  assert.ok(answer.isComplete !== (answer.reset !== null), "an answer ends in one way");
  return describeStream(answer);
}

/** One round: whatever is sent, how it is cut into reads makes no difference. */
export function fuzzRound(seed: number): void {
  const random = createRandom(seed);
  for (const [texts, run] of [
    [REQUESTS, serve],
    [ANSWERS, receive],
  ] as const) {
    const text = mutate(random, join(random, texts));
    const whole = run(random, text, text.length + 1);
    for (const pieceBytesMax of [1, 2, 9]) {
      assert.deepEqual(run(random, text, pieceBytesMax), whole, `seed ${seed}: ${JSON.stringify(text)}`);
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
