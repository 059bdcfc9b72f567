import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type ClientSessionHandler,
  RequestHead,
  ResponseHead,
  type ResponseReceiver,
  type ServerSessionHandler,
} from "@weft/contract";
import { OutputBuffer } from "@weft/kernel";
import { createHttp2ClientOptions, createHttp2ServerOptions, Http2ClientSession, Http2ServerSession } from "./index.ts";

test("a unary request goes from a client session to a server session and back, again and again", () => {
  const log: string[] = [];
  const sink = { onOutputPending(): void {} };
  const toServer = new OutputBuffer(sink);
  const toClient = new OutputBuffer(sink);
  const serverHandler: ServerSessionHandler = {
    onRequest(stream, head, isEnd) {
      log.push(`${head.method} ${head.authority} ${head.path} ${JSON.stringify(head.fields)} ${isEnd}`);
      stream.sendHead(new ResponseHead(200, ["content-type", "text/plain", "content-length", "5"], 5), false);
      stream.sendData(Buffer.from("hello"), 0, 5, true);
    },
    onRequestRefused: () => null,
    onProtocolError() {},
    onReadPaused() {},
    onOutputEnd() {},
    onSessionEnd: (error) => log.push(`server end ${error}`),
    onPong: () => log.push("server pong"),
  };
  const clientHandler: ClientSessionHandler = {
    onStreamsAvailable() {},
    onDraining() {},
    onReadPaused() {},
    onOutputEnd() {},
    onSessionEnd: (error) => log.push(`client end ${error}`),
    onPong() {},
  };
  const receiver: ResponseReceiver = {
    onInformational() {},
    onResponseHead: (head, isEnd) => log.push(`${head.status} ${JSON.stringify(head.fields)} ${isEnd}`),
    onResponseData: (bytes, start, end, isEnd) => log.push(`${bytes.toString("latin1", start, end)} ${isEnd}`),
    onResponseTrailers() {},
    onResponseReset: (reason, detail) => log.push(`${reason} ${detail}`),
    onRequestWritable() {},
  };
  const server = new Http2ServerSession(toClient, serverHandler, createHttp2ServerOptions({ nowMs: () => 0 }));
  const client = new Http2ClientSession(toServer, clientHandler, createHttp2ClientOptions({ nowMs: () => 0 }));
  const flow = (): void => {
    while (toServer.pendingBytes + toClient.pendingBytes > 0) {
      for (const chunk of toServer.take()) server.receive(chunk, 0, chunk.length);
      for (const chunk of toClient.take()) client.receive(chunk, 0, chunk.length);
    }
  };
  const head = new RequestHead("GET", "http", "example.test", "/a", ["accept", "*/*", "x-test", "yes"], 0);
  for (let round = 0; round < 10; round++) {
    log.length = 0;
    client.open(head, true, receiver);
    flow();
    assert.deepEqual(log, [
      'GET example.test /a ["accept","*/*","x-test","yes"] true',
      '200 ["content-type","text/plain","content-length","5"] false',
      "hello true",
    ]);
    assert.equal(client.activeStreams + server.activeStreams, 0);
  }
  log.length = 0;
  assert.ok(server.ping() && server.ping());
  flow();
  assert.deepEqual(log, ["server pong"], "one at a time");
  client.drain();
  assert.equal(log.at(-1), "client end null");
  server.receiveEnd();
  assert.equal(server.ping(), false);
});
