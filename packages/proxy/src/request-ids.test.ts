import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createCluster, createRule } from "@weft/testkit";
import { startLoggedProxy } from "./logged-proxy.fixture.ts";
import {
  connectRaw,
  findDeadPort,
  type Reply,
  send,
  sendHttp2,
  startHttp2Client,
  startHttpServer,
  until,
} from "./proxy.fixture.ts";
import { boltRequest, boltResponse, startBoltServer } from "./rpc.fixture.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

/** What the host saw. */
function seen(reply: Reply): Record<string, string> {
  return JSON.parse(String(reply.headers["x-saw"])) as Record<string, string>;
}

describe("x-request-id", () => {
  test("is passed on as it comes where the listener says nothing", async (t) => {
    const { port, lines } = await startLoggedProxy(t);
    const without = await send(port);
    assert.equal(seen(without)["x-request-id"], undefined);
    const reply = await send(port, { headers: { "x-request-id": "mine" } });
    assert.equal(seen(reply)["x-request-id"], "mine");
    assert.equal(reply.headers["x-request-id"], undefined);
    assert.deepEqual(
      (await lines()).map((line) => line["request_id"]),
      ["", "mine"],
    );
  });

  test("is made where there is none, passed on, logged and echoed", async (t) => {
    const { port, lines } = await startLoggedProxy(t, { requestId: "add", echoesRequestId: true });
    const client = startHttp2Client(port);
    const replies = [
      await send(port),
      await send(port),
      await sendHttp2(client),
      await send(port, { headers: { "x-request-id": "mine" } }),
      await send(port, { path: "/nowhere/%2F/.." }),
    ];
    const ids = replies.map(({ headers }) => String(headers["x-request-id"]));
    for (const id of ids.toSpliced(3, 1)) assert.match(id, UUID);
    assert.equal(ids[3], "mine");
    assert.equal(new Set(ids).size, 5);
    for (const [index, reply] of replies.entries()) {
      if (reply.headers["x-saw"] !== undefined) assert.equal(seen(reply)["x-request-id"], ids[index]);
    }
    assert.deepEqual(
      (await lines()).map((line) => line["request_id"]),
      ids,
    );
  });

  test("of a client that is not believed is replaced, and the same for all tries", async (t) => {
    const { port: host } = await startHttpServer((request, response) => {
      response.setHeader("x-saw", JSON.stringify(request.headers));
      response.setHeader("x-request-id", "the host's");
      response.end();
    });
    const clusters = [createCluster([await findDeadPort(), host])];
    const listener = { requestId: "replace", echoesRequestId: true } as const;
    const { port, lines } = await startLoggedProxy(t, listener, clusters);
    const replies: Reply[] = [];
    for (let count = 0; count < 4; count++) replies.push(await send(port, { headers: { "x-request-id": "forged" } }));
    const ids = replies.map(({ headers }) => String(headers["x-request-id"]));
    for (const [index, id] of ids.entries()) {
      assert.match(id, UUID);
      const reply = replies[index];
      assert.equal(reply === undefined ? "" : seen(reply)["x-request-id"], id);
    }
    const logged = await lines();
    assert.ok(logged.some((line) => line["attempts"] === 2));
    assert.deepEqual(
      logged.map((line) => line["request_id"]),
      ids,
    );
  });

  test("is given to requests that are refused, and to copies for mirrors", async (t) => {
    const copies: (string | undefined)[] = [];
    const { port: mirror } = await startHttpServer((request, response) => {
      copies.push(request.headers["x-request-id"] as string | undefined);
      response.end();
    });
    const { port: host } = await startHttpServer((_request, response) => response.end());
    const clusters = [createCluster([host]), createCluster([mirror], { name: "mirror" })];
    const rule = createRule({ mirrors: [{ cluster: "mirror", share: 1 }] });
    const listener = { requestId: "replace", echoesRequestId: true } as const;
    const { port, lines } = await startLoggedProxy(t, listener, clusters, [rule]);
    const reply = await send(port, { headers: { "x-request-id": "forged" } });
    await until(() => copies.length === 1, "the copy");
    assert.equal(copies[0], reply.headers["x-request-id"]);
    const raw = connectRaw(port);
    raw.socket.write("GET / HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n");
    const id = /x-request-id: (\S+)/.exec(await raw.end())?.[1] ?? "";
    assert.match(id, UUID);
    assert.equal((await lines()).at(-1)?.["request_id"], id);
  });

  test("is nothing that RPC frames are written anew for", async (t) => {
    const host = await startBoltServer((id) => boltResponse(id, 0, Buffer.from("done")));
    const listener = { requestId: "replace", echoesRequestId: true, startsTraces: true } as const;
    const { port, lines } = await startLoggedProxy(t, listener, [createCluster([host], { protocol: "bolt" })]);
    const client = connectRaw(port);
    client.socket.write(boltRequest({ id: 1 }));
    await until(() => client.text().includes("done"), "the answer");
    assert.deepEqual(client.bytes(), boltResponse(1, 0, Buffer.from("done")));
    const [line] = await lines();
    assert.deepEqual([line?.["request_id"], line?.["trace_id"]], ["", ""]);
  });
});

describe("the trace of a request", () => {
  test("is logged when the client names it, without any tracing", async (t) => {
    const { port, lines } = await startLoggedProxy(t);
    const reply = await send(port, { headers: { traceparent: PARENT } });
    assert.equal(seen(reply)["traceparent"], PARENT);
    await send(port, { headers: { traceparent: "nonsense" } });
    assert.deepEqual(
      (await lines()).map((line) => line["trace_id"]),
      ["4bf92f3577b34da6a3ce929d0e0e4736", ""],
    );
  });

  test("begins at the listener that starts traces", async (t) => {
    const { port, lines } = await startLoggedProxy(t, { startsTraces: true });
    const made = seen(await send(port));
    assert.match(made["traceparent"] ?? "", /^00-[0-9a-f]{32}-[0-9a-f]{16}-02$/);
    const replaced = seen(await send(port, { headers: { traceparent: "nonsense", tracestate: "a=b" } }));
    assert.notEqual(replaced["traceparent"], "nonsense");
    assert.equal(replaced["tracestate"], undefined);
    const kept = seen(await send(port, { headers: { traceparent: PARENT, tracestate: "a=b" } }));
    assert.deepEqual([kept["traceparent"], kept["tracestate"]], [PARENT, "a=b"]);
    assert.deepEqual(
      (await lines()).map((line) => line["trace_id"]),
      [made, replaced, kept].map(({ traceparent = "" }) => traceparent.split("-")[1]),
    );
  });
});
