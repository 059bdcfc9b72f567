import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request as httpRequest } from "node:http";
import type { Socket } from "node:net";
import { describe, test } from "node:test";
import { createBackend, createCluster, createListener, createRule } from "@weft/testkit";
import {
  assertBalanced,
  connectRaw,
  echo,
  metric,
  send,
  startHttp2Client,
  startHttpServer,
  startProxy,
  startTcpServer,
  until,
} from "./proxy.fixture.ts";

describe("a client that goes away or falls behind", () => {
  test("its going resets the request at the host, in both protocols", async () => {
    const cut: Promise<unknown>[] = [];
    let arrived = 0;
    const { port: host } = await startHttpServer((request) => {
      arrived++;
      cut.push(once(request.socket, "close"));
    });
    const { proxy, port } = await startProxy([createCluster([host])]);
    const http1 = httpRequest({ host: "127.0.0.1", port, agent: false });
    http1.on("error", () => {});
    http1.end();
    const client = startHttp2Client(port);
    const stream = client.request({ ":path": "/" });
    stream.on("error", () => {});
    await until(() => arrived === 2, "both requests at the host");
    http1.destroy();
    stream.close(8);
    await Promise.all(cut);
    await assertBalanced(proxy);
    assert.equal(metric(proxy, "weft_upstream_requests_total", "success"), 0);
  });

  test("its going in the middle of its body cuts the request at the host", async () => {
    let ended = false;
    let aborted = false;
    let hasArrived = false;
    const { port: host } = await startHttpServer((request) => {
      hasArrived = true;
      request.on("end", () => (ended = true));
      request.on("error", () => (aborted = true));
      request.resume();
    });
    const { proxy, port } = await startProxy([createCluster([host])]);
    const request = httpRequest({ host: "127.0.0.1", port, method: "POST", agent: false });
    request.on("error", () => {});
    request.write("half a body");
    await until(() => hasArrived, "request at the host");
    request.destroy();
    await until(() => aborted, "abort at the host");
    assert.equal(ended, false);
    await assertBalanced(proxy);
  });

  test("one that stops reading does not fill the proxy's memory, and gets the rest when it reads on", async () => {
    const size = 40_000_000;
    let sent = 0;
    const { port: host } = await startHttpServer((_request, response) => {
      const piece = Buffer.alloc(100_000);
      const more = (): void => {
        while (sent < size) {
          sent += piece.length;
          if (!response.write(piece)) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    });
    const { proxy, port } = await startProxy([createCluster([host])]);
    const request = httpRequest({ host: "127.0.0.1", port, agent: false });
    request.end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    let before = -1;
    await until(async () => {
      const now = sent;
      // waits: the host has stopped when its count stands still
      await new Promise((resolve) => setTimeout(resolve, 40));
      const isStill = now === before;
      before = now;
      return isStill;
    }, "the host to be stopped");
    // What is on its way fits in socket buffers and the proxy's windows.
    assert.ok(sent < 25_000_000, `${sent} bytes left the host`);
    let received = 0;
    for await (const chunk of response) received += (chunk as Buffer).length;
    assert.equal(received, size);
    await assertBalanced(proxy);
  });

  test("a host that stops reading stops the client", async () => {
    const sockets: Socket[] = [];
    const { port: host } = await startTcpServer((socket) => {
      sockets.push(socket);
      socket.pause();
    });
    const { proxy, port } = await startProxy([createCluster([host])]);
    const client = connectRaw(port);
    client.socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\n\r\n");
    let sent = 0;
    const piece = Buffer.alloc(200_000);
    while (client.socket.write(piece) || client.socket.writableLength < 4_000_000) {
      sent += piece.length;
      if (sent > 60_000_000) break;
      await new Promise(setImmediate);
    }
    assert.ok(sent < 60_000_000, `${sent} bytes were taken`);
    // A client that is not read from cannot be heard leaving, but its reset is found.
    client.socket.resetAndDestroy();
    await until(() => metric(proxy, "weft_downstream_connection_closes_total", "error") === 1, "the reset to be found");
    await assertBalanced(proxy);
  });

  test("one that stalls its body gets 408, and the host is not blamed", async () => {
    const { port: host } = await startTcpServer((socket) => socket.resume());
    const listener = createListener({ streamIdleTimeoutMs: 40 });
    const { proxy, port } = await startProxy([createCluster([host])], undefined, listener);
    const client = connectRaw(port);
    client.socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc");
    await client.read(/^HTTP\/1\.1 408 [^]*PROXY_BODY_TIMEOUT/);
    client.socket.destroy();
    await assertBalanced(proxy);
    assert.equal(metric(proxy, "weft_upstream_requests_total", "failure"), 0);
  });

  test("one that takes a last answer slowly still gets all of it", async () => {
    const size = 12_000_000;
    const { port: host } = await startHttpServer((_request, response) => response.end(Buffer.alloc(size, "x")));
    const { proxy, port } = await startProxy([createCluster([host])]);
    const client = connectRaw(port);
    client.socket.pause();
    client.socket.write("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    client.socket.end();
    // waits: until the proxy has filled what buffers there are
    await new Promise((resolve) => setTimeout(resolve, 50));
    client.socket.resume();
    const text = await client.end();
    assert.equal(text.length - text.indexOf("\r\n\r\n") - 4, size);
    await assertBalanced(proxy);
  });

  test("the deadline of a route ends the request wherever it is", async () => {
    const { port: mute } = await startTcpServer((socket) => socket.resume());
    const { proxy, port } = await startProxy([createCluster([mute])], [createRule({ timeoutMs: 40 })]);
    const reply = await send(port);
    assert.equal(reply.headers["x-weft-error"], "PROXY_TIMEOUT");
    assert.equal(metric(proxy, "weft_router_timeouts_total"), 1);
    await assertBalanced(proxy);
  });
});

describe("mirrors", () => {
  test("a copy counts hops and believes no client, and a mute mirror changes nothing for the original", async () => {
    const { port: host } = await startHttpServer(echo);
    const copies: string[] = [];
    const { port: mute } = await startTcpServer((socket) => socket.on("data", (bytes) => copies.push(String(bytes))));
    const mirror = createCluster([mute], { name: "mirror" });
    const rule = createRule({ mirrors: [{ cluster: "mirror", share: 1 }] });
    const { proxy, port } = await startProxy([createCluster([host]), mirror], [rule]);
    const headers = { "x-forwarded-for": "6.6.6.6" };
    for (let index = 0; index < 5; index++) {
      assert.equal((await send(port, { method: "POST", headers, body: "original" })).body, "original");
    }
    await until(() => copies.join("").split("original").length > 5, "five copies");
    assert.ok(!copies.join("").includes("6.6.6.6"));
    assert.match(copies.join(""), /x-weft-hops: 1\r\n/);
    await proxy.close();
  });

  test("a mirror that leads back is stopped by the hop count", async () => {
    const { port: host } = await startHttpServer(echo);
    const rule = createRule({ mirrors: [{ cluster: "self", share: 1 }], backends: [createBackend("backend")] });
    const { proxy, port, world } = await startProxy([createCluster([host])], [rule]);
    world.clusters.set([createCluster([host]), createCluster([port], { name: "self" })]);
    assert.equal((await send(port)).status, 200);
    await assertBalanced(proxy);
    const requests = metric(proxy, "weft_downstream_requests_total");
    assert.ok(requests <= 17, `${requests} requests came of one`);
  });
});

describe("closing", () => {
  test("in the middle of everything leaves no error behind and cuts what is open", async () => {
    const { port: mute } = await startTcpServer((socket) => socket.resume());
    const rule = createRule();
    const { proxy, port } = await startProxy([createCluster([mute])], [rule]);
    const open = Array.from({ length: 10 }, () =>
      send(port).then(
        () => "answered",
        () => "cut",
      ),
    );
    const half = connectRaw(port);
    half.socket.write("GET / HT");
    await until(() => metric(proxy, "weft_upstream_requests_active") === 10, "ten requests at the host");
    await proxy.close();
    assert.deepEqual(new Set(await Promise.all(open)), new Set(["cut"]));
    await half.end();
  });

  test("a listener that is not wanted any more closes at the drain deadline", async () => {
    const { port: mute } = await startTcpServer((socket) => socket.resume());
    const { port, world } = await startProxy([createCluster([mute])]);
    world.settings.set({ ...world.settings.value, drainDeadlineMs: 30 });
    const cut = assert.rejects(send(port));
    // waits: the request is on its way when the listener goes
    await new Promise((resolve) => setTimeout(resolve, 10));
    world.listeners.set([]);
    await cut;
  });
});
