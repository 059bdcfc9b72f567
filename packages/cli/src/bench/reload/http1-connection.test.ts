import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, test } from "node:test";
import { createAuthority, FakeClock } from "@weft/kernel";
import type { WatchedConnection } from "./exchange.ts";
import { openHttp1 } from "./http1-connection.ts";
import { ANSWER_BYTES_MAX, OPEN_MS_MAX, REQUEST_MS_MAX } from "./limits.ts";

const RIGHT = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nX-Revision: 3\r\n\r\nblue 3\n";
const ANSWERED = { type: "answered", status: 200, revision: "3", body: "blue 3\n" };

let server: Server;
let serverSide: Promise<Socket>;
let onRequest: (socket: Socket) => void = () => {};

beforeEach(async () => {
  const accepted = Promise.withResolvers<Socket>();
  serverSide = accepted.promise;
  server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => onRequest(socket));
    accepted.resolve(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterEach(async () => {
  (await serverSide).destroy();
  server.close();
});

function open(clock?: FakeClock): Promise<WatchedConnection> {
  return openHttp1({ port: (server.address() as AddressInfo).port, authorityPem: "" }, clock);
}

test("ask() resolves with answers, also in pieces, one after the other", async () => {
  const connection = await open();
  onRequest = (socket) => socket.write(RIGHT);
  assert.deepEqual(await connection.ask(), ANSWERED);
  assert.equal(connection.isUsable, true);
  onRequest = (socket) => {
    socket.write(RIGHT.slice(0, 30));
    setImmediate(() => socket.write(RIGHT.slice(30)));
  };
  assert.deepEqual(await connection.ask(), ANSWERED);
  assert.equal(connection.rotation, 0);
  connection.close();
});

test("ask() calls a request lost whose connection ends before an answer", async () => {
  const lost = await open();
  onRequest = (socket) => socket.end();
  assert.deepEqual(await lost.ask(), { type: "lost" });
  assert.equal(lost.isUsable, false);
});

test("ask() calls an answer without its end cut", async () => {
  const cut = await open();
  onRequest = (socket) => socket.end(RIGHT.slice(0, -1));
  assert.deepEqual(await cut.ask(), { type: "cut", reason: "the connection ended within the answer" });
});

test("a connection that the server closes with its answer is not used again, and that is no fault", async () => {
  const connection = await open();
  onRequest = (socket) => socket.end(RIGHT.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
  assert.deepEqual(await connection.ask(), ANSWERED);
  assert.equal(connection.isUsable, false);
  assert.equal(connection.fault, "");
});

test("a connection that the server closes while it rests is not used again, and that is no fault", async () => {
  const connection = await open();
  const socket = await serverSide;
  socket.end();
  while (connection.isUsable) await new Promise(setImmediate);
  assert.equal(connection.fault, "");
  connection.close();
});

test("bytes that nobody asked for are a fault", async () => {
  const connection = await open();
  (await serverSide).write(RIGHT);
  while (connection.isUsable) await new Promise(setImmediate);
  assert.match(connection.fault, /^bytes that nobody asked for: "HTTP\/1\.1 200/);
  connection.close();
});

test("ask() refuses what is no HTTP, and answers without an end", async () => {
  const connection = await open();
  onRequest = (socket) => socket.write("hello\r\n\r\n");
  assert.deepEqual(await connection.ask(), { type: "cut", reason: "no answer of HTTP" });
});

test("ask() gives an answer up that is longer than any right one", async () => {
  const connection = await open();
  onRequest = (socket) => socket.write(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(ANSWER_BYTES_MAX)}`);
  assert.deepEqual(await connection.ask(), { type: "cut", reason: "the answer has no end" });
});

test("ask() waits for an answer no longer than its limit", async () => {
  const clock = new FakeClock();
  const connection = await open(clock);
  onRequest = () => {};
  const asked = connection.ask();
  clock.advance(REQUEST_MS_MAX);
  assert.deepEqual(await asked, { type: "silent" });
  assert.equal(connection.isUsable, false);
});

test("openHttp1() gives up on a server that does not shake hands, and on one that is not there", async () => {
  const clock = new FakeClock();
  const { port } = server.address() as AddressInfo;
  onRequest = () => {};
  const opening = openHttp1({ port, authorityPem: createAuthority("a test").certificatePem }, clock);
  await serverSide;
  clock.advance(OPEN_MS_MAX);
  await assert.rejects(opening, /not open after/);
  await assert.rejects(openHttp1({ port: 1, authorityPem: "" }), /ECONNREFUSED/);
});
