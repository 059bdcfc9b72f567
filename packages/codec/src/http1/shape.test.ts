import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInThisContext } from "node:vm";
import { RequestHead, ResponseHead } from "@weft/contract";
import { RecordedClient, RecordedServer } from "./recorded-session.fixture.ts";

setFlagsFromString("--allow-natives-syntax");
const haveSameMap: (left: object, right: object) => boolean = runInThisContext("(a, b) => %HaveSameMap(a, b)");

const GET = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";
const CHUNKED = "POST /up HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n";
const CONNECT = "CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n";

/** What a server makes of the last request that came. */
function streamOf(server: RecordedServer): object {
  return server.last.stream ?? assert.fail("no stream");
}

test("server sessions and streams keep their hidden class whatever happens to them", () => {
  const fresh = new RecordedServer();
  fresh.feed(GET);
  const busy = new RecordedServer();
  busy.feed(`${CHUNKED}3\r\nabc\r\n0\r\nx-a: 1\r\n\r\n${GET}`, 7);
  const chunked = streamOf(busy);
  busy.answer(200, "late");
  assert.ok(haveSameMap(chunked, streamOf(fresh)));
  busy.output.isCongested = true;
  busy.answer(200, "blocked");
  busy.session.outputDrained();
  busy.session.drain();
  assert.ok(haveSameMap(busy.session, fresh.session));
  const tunnel = new RecordedServer();
  tunnel.feed(`${CONNECT}early`);
  tunnel.last.stream?.sendHead(new ResponseHead(200, [], -1), false);
  tunnel.session.receiveEnd();
  tunnel.last.stream?.sendData(Buffer.from("bye"), 0, 3, true);
  assert.ok(haveSameMap(streamOf(tunnel), streamOf(fresh)));
  assert.ok(haveSameMap(tunnel.session, fresh.session));
  const broken = new RecordedServer();
  broken.feed("no request\r\n\r\n");
  assert.ok(haveSameMap(broken.session, fresh.session));
});

test("client sessions and streams keep their hidden class whatever happens to them", () => {
  const get = new RequestHead("GET", "", "shop", "/", [], 0);
  const fresh = new RecordedClient();
  const first = fresh.open(get).stream;
  const busy = new RecordedClient();
  const second = busy.open(new RequestHead("POST", "", "shop", "/up", [], -1), false).stream;
  second.sendData(Buffer.from("abc"), 0, 3, false);
  second.sendTrailers(["x-a", "1"]);
  busy.feed("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", 5);
  busy.open(get);
  busy.session.connectionLost("gone");
  assert.ok(haveSameMap(second, first));
  assert.ok(haveSameMap(busy.session, fresh.session));
  const tunnel = new RecordedClient();
  const third = tunnel.open(new RequestHead("CONNECT", "", "db:5432", "", [], -1), false).stream;
  third.sendData(Buffer.from("early"), 0, 5, false);
  tunnel.feed("HTTP/1.1 200 OK\r\n\r\nraw");
  tunnel.session.receiveEnd();
  third.sendData(Buffer.from("bye"), 0, 3, true);
  assert.ok(haveSameMap(third, first));
  assert.ok(haveSameMap(tunnel.session, fresh.session));
});

test("heads of all kinds have one hidden class", () => {
  const server = new RecordedServer();
  server.feed(GET);
  const plain = server.last.requestHead ?? assert.fail("no head");
  const other = new RecordedServer();
  other.feed("GET /chat HTTP/1.1\r\nHost: shop\r\nUpgrade: foo\r\nConnection: Upgrade\r\nX-A: 1\r\n\r\n");
  assert.ok(haveSameMap(plain, other.last.requestHead ?? assert.fail("no head")));
});
