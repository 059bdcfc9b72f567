import assert from "node:assert/strict";
import { once } from "node:events";
import { constants, createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { afterEach, beforeEach, test } from "node:test";
import { createAuthority, FakeClock } from "@weft/kernel";
import { openHttp2 } from "./http2-connection.ts";
import { OPEN_MS_MAX, REQUEST_MS_MAX } from "./limits.ts";

let server: Http2Server;
let session: Promise<ServerHttp2Session>;
let onStream: (stream: ServerHttp2Stream) => void = () => {};

beforeEach(async () => {
  const opened = Promise.withResolvers<ServerHttp2Session>();
  session = opened.promise;
  server = createServer();
  server.on("session", opened.resolve);
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {});
    onStream(stream);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterEach(async () => {
  (await session).destroy();
  server.close();
});

function open(clock?: FakeClock): ReturnType<typeof openHttp2> {
  return openHttp2({ port: (server.address() as AddressInfo).port, authorityPem: "" }, clock);
}

function answer(stream: ServerHttp2Stream): void {
  stream.respond({ ":status": 200, "x-revision": "3" });
  stream.end("blue 3\n");
}

const ANSWERED = { type: "answered", status: 200, revision: "3", body: "blue 3\n" };

test("ask() resolves with answers, several at a time", async () => {
  const connection = await open();
  onStream = answer;
  assert.deepEqual(await Promise.all([connection.ask(), connection.ask()]), [ANSWERED, ANSWERED]);
  assert.equal(connection.isUsable, true);
  connection.close();
});

test("ask() calls requests refused that the server says it did not look at", async () => {
  const connection = await open();
  onStream = (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM);
  assert.deepEqual(await connection.ask(), { type: "refused" });
  assert.equal(connection.isUsable, true);
  connection.close();
});

test("a connection that got GOAWAY is not used again; what it has in flight is answered", async () => {
  const connection = await open();
  const held = Promise.withResolvers<ServerHttp2Stream>();
  onStream = (stream) => held.resolve(stream);
  const asked = connection.ask();
  const stream = await held.promise;
  stream.session?.close();
  while (connection.isUsable) await new Promise(setImmediate);
  assert.deepEqual(await connection.ask(), { type: "refused" });
  answer(stream);
  assert.deepEqual(await asked, ANSWERED);
  connection.close();
});

test("ask() calls a request lost whose connection ends before an answer, and cut within it", async () => {
  const connection = await open();
  const held = Promise.withResolvers<ServerHttp2Stream>();
  const begun = Promise.withResolvers<void>();
  let streams = 0;
  onStream = (stream) => {
    if (++streams === 1) return held.resolve(stream);
    stream.respond({ ":status": 200, "x-revision": "3" });
    stream.write("blue", () => begun.resolve());
  };
  const [lost, cut] = [connection.ask(), connection.ask()];
  const stream = await held.promise;
  await begun.promise;
  // A killed process says no GOAWAY.
  stream.session?.socket.resetAndDestroy();
  assert.equal((await lost).type, "lost");
  assert.ok(["lost", "cut"].includes((await cut).type));
});

test("ask() calls an answer cut that the server takes back", async () => {
  const connection = await open();
  onStream = (stream) => {
    stream.respond({ ":status": 200 });
    stream.write("blue", () => stream.destroy(new Error("taken back")));
  };
  assert.deepEqual(await connection.ask(), { type: "cut", reason: "the stream ended within the answer (code 2)" });
  connection.close();
});

test("ask() waits for an answer no longer than its limit", async () => {
  const clock = new FakeClock();
  const connection = await open(clock);
  onStream = () => {};
  const asked = connection.ask();
  clock.advance(REQUEST_MS_MAX);
  assert.deepEqual(await asked, { type: "silent" });
  connection.close();
});

test("openHttp2() gives up on a server that does not shake hands, and on one that is not there", async () => {
  const clock = new FakeClock();
  const silent = createTcpServer((socket) => void socket.on("error", () => {}).resume());
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const accepted = once(silent, "connection");
  const opening = openHttp2({ port, authorityPem: createAuthority("a test").certificatePem }, clock);
  await accepted;
  clock.advance(OPEN_MS_MAX);
  await assert.rejects(opening, /not open after/);
  silent.close();
  // The suite's own server has nobody to say goodbye to.
  (await open()).close();
  await assert.rejects(openHttp2({ port: 1, authorityPem: "" }), /ECONNREFUSED/);
});
