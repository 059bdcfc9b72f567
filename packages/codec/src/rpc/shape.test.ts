import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInThisContext } from "node:vm";
import { DIALECTS } from "./dialect.fixture.ts";

setFlagsFromString("--allow-natives-syntax");
const haveSameMap: (left: object, right: object) => boolean = runInThisContext("(a, b) => %HaveSameMap(a, b)");

for (const dialect of DIALECTS) {
  test(`${dialect.name}: streams, sessions, heads and frames keep their hidden class whatever happens to them`, () => {
    const server = dialect.server();
    server.feed(
      Buffer.concat([dialect.request(1), dialect.request(2, "x", true), dialect.request(3), dialect.heartbeat(4)]),
    );
    const [first, second, third] = server.requests.map(({ stream }) => stream);
    assert.ok(first && second && third);
    const body = dialect.responseBody("piece");
    first.sendHead(dialect.responseHead("piece"), false);
    first.sendData(body, 0, 3, false);
    first.sendData(body, 3, body.length, true);
    second.reset("timeout");
    assert.ok(haveSameMap(first, third));
    assert.ok(haveSameMap(second, third));
    assert.ok(haveSameMap(server.session, dialect.server().session));

    const client = dialect.client();
    const [head, oneWay] = [dialect.requestHead(), dialect.requestHead("x", true)];
    const calls = [head, head, oneWay].map((each, index) =>
      client.call(each, dialect.requestBody(index === 2 ? "x" : "content")),
    );
    const fresh = client.call(head, dialect.requestBody("content"));
    calls[1]?.stream.reset("timeout");
    client.session.ping();
    client.feed(Buffer.concat([dialect.response(1, "x".repeat(10_000)), dialect.response(2)]));
    for (const { stream } of calls) assert.ok(haveSameMap(stream, fresh.stream));
    assert.ok(haveSameMap(client.session, dialect.client().session));
    assert.ok(haveSameMap(head, oneWay));
    assert.ok(haveSameMap(head.frame ?? {}, dialect.responseHead().frame ?? {}));
  });
}
