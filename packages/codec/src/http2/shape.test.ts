import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInThisContext } from "node:vm";
import { RequestHead, ResponseHead } from "@weft/contract";
import { ClientUnderTest, END_HEADERS, frame, GET, headers, POST, ServerUnderTest, setting } from "./peer.test.ts";

setFlagsFromString("--allow-natives-syntax");
const haveSameMap: (left: object, right: object) => boolean = runInThisContext("(a, b) => %HaveSameMap(a, b)");

test("streams and sessions keep their hidden class whatever happens to them", () => {
  const used = new ServerUnderTest();
  used.send(frame("SETTINGS", 0, 0, setting(4, 10)), headers(1, GET), headers(3, [...POST, "x-a", "1"], END_HEADERS));
  used.send(frame("DATA", 0, 3, "abc"), headers(5, POST, END_HEADERS));
  const [first, second, fresh] = [used.stream(0), used.stream(1), used.stream(2)];
  first.sendHead(new ResponseHead(200, [], -1), false);
  first.sendData(Buffer.alloc(100), 0, 100, false);
  first.sendTrailers(["x-a", "1"]);
  second.consume(3);
  second.reset("cancelled");
  assert.ok(haveSameMap(first, fresh));
  assert.ok(haveSameMap(second, fresh));
  assert.ok(haveSameMap(used.session, new ServerUnderTest({}, false).session));
  const client = new ClientUnderTest();
  const get = client.open(new RequestHead("GET", "http", "a.test", "/", [], 0));
  const connect = client.open(new RequestHead("CONNECT", "", "a.test:1", "", [], -1), false);
  client.send(headers(1, [":status", "200"]), frame("GOAWAY", 0, 0, Buffer.alloc(8)));
  assert.ok(haveSameMap(get, connect));
  assert.ok(haveSameMap(client.session, new ClientUnderTest({}, false).session));
});
