import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { describe, test } from "node:test";
import type { ListenerConfig } from "@weft/contract";
import { createCluster, createListener } from "@weft/testkit";
import {
  assertBalanced,
  connectRaw,
  echo,
  metric,
  type ProxyFixture,
  send,
  sendHttp2,
  startHttp2Client,
  startHttpServer,
  startProxy,
  until,
} from "../proxy.fixture.ts";

const GET = "GET / HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n\r\n";

async function startEcho(changes: Partial<ListenerConfig> = {}): Promise<ProxyFixture> {
  const { port } = await startHttpServer(echo);
  return startProxy([createCluster([port])], undefined, createListener(changes));
}

describe("a listener's connections", () => {
  test("beyond connectionsMax are closed at once, and counted; a place that is free again is given away", async () => {
    const { proxy, port } = await startEcho({ connectionsMax: 2 });
    const [first, second] = [connectRaw(port), connectRaw(port)];
    first.socket.write("GET / HT");
    second.socket.write("GET / HT");
    await until(() => metric(proxy, "weft_downstream_connections_active") === 2, "two connections");
    assert.equal(await connectRaw(port).end(), "");
    assert.equal(metric(proxy, "weft_listener_connections_refused_total", "limit"), 1);
    first.socket.destroy();
    await until(() => metric(proxy, "weft_downstream_connections_active") === 1, "one connection");
    assert.equal((await send(port)).status, 200);
    second.socket.destroy();
    await assertBalanced(proxy);
  });

  test("are told apart by their first bytes, in whatever pieces they come", async () => {
    const { proxy, port } = await startEcho();
    const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    for (const [text, answer] of [
      [GET, /^HTTP\/1\.1 200 /],
      ["PUT / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", /^HTTP\/1\.1 200 /],
      [preface, /^\0\0.\x04\0\0\0\0\0/s],
    ] as const) {
      const client = connectRaw(port);
      client.socket.setNoDelay(true);
      for (const byte of text) {
        client.socket.write(byte, "latin1");
        await new Promise(setImmediate);
      }
      await client.read(answer);
      client.socket.destroy();
    }
    assert.equal((await sendHttp2(startHttp2Client(port))).status, 200);
    await assertBalanced(proxy);
  });

  test("that speak TLS to a plain listener, or nothing at all, are closed", async () => {
    const { proxy, port } = await startEcho({ headerTimeoutMs: 40 });
    const tls = connectRaw(port);
    tls.socket.write(Buffer.from("1603010200010001fc0303", "hex"));
    assert.equal(await tls.end(), "");
    assert.equal(metric(proxy, "weft_listener_connections_refused_total", "protocol"), 1);
    assert.equal(await connectRaw(port).end(), "");
    assert.equal(metric(proxy, "weft_listener_connections_refused_total", "timeout"), 1);
    await assertBalanced(proxy);
  });
});

describe("the PROXY protocol on a listener", () => {
  const header = "PROXY TCP4 203.0.113.7 127.0.0.1 4711 80\r\n";

  test("names the client, whether required or optional", async () => {
    for (const proxyProtocol of ["required", "optional"] as const) {
      const { port } = await startEcho({ proxyProtocol });
      const client = connectRaw(port);
      client.socket.write(header.slice(0, 20));
      await new Promise(setImmediate);
      client.socket.write(`${header.slice(20)}${GET}`);
      assert.match(await client.end(), /"x-forwarded-for":"203\.0\.113\.7"/);
    }
  });

  test("is not believed where it is off, and not missed where it is optional", async () => {
    const off = await startEcho();
    const client = connectRaw(off.port);
    client.socket.write(`${header}${GET}`);
    assert.match(await client.end(), /^HTTP\/1\.1 400 /);
    const optional = await startEcho({ proxyProtocol: "optional" });
    assert.equal((await send(optional.port)).status, 200);
  });

  test("closes a connection without it where it is required, or with a broken one", async () => {
    const { proxy, port } = await startEcho({ proxyProtocol: "required" });
    for (const text of [GET, "PROXY TCP4 nonsense\r\n"]) {
      const client = connectRaw(port);
      client.socket.write(text);
      assert.equal(await client.end(), "");
    }
    assert.equal(metric(proxy, "weft_listener_connections_refused_total", "proxy-protocol"), 2);
    await assertBalanced(proxy);
  });
});

describe("drain", () => {
  test("lets open requests finish, refuses new connections, closes idle ones", async () => {
    let release = (): void => {};
    const { port: host } = await startHttpServer((_request, response) => {
      release = () => response.end("finished");
    });
    const { proxy, port } = await startProxy([createCluster([host])]);
    const idle = connectRaw(port);
    const http2 = startHttp2Client(port);
    await once(http2, "remoteSettings");
    const request = httpRequest({ host: "127.0.0.1", port, agent: false });
    request.end();
    await until(() => metric(proxy, "weft_upstream_requests_active") === 1, "the request at the host");
    idle.socket.write("GET / HTTP/1.1\r\nhost: a\r\n");
    const goaway = once(http2, "goaway");
    const drained = proxy.drain();
    await goaway;
    await assert.rejects(send(port), /ECONNREFUSED/);
    release();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    assert.equal(response.headers.connection, "close");
    response.resume();
    await once(response, "end");
    idle.socket.destroy();
    assert.equal(await drained, "drained");
  });

  test("ends at the deadline all the same", async () => {
    const { port: mute } = await startHttpServer(() => {});
    const { proxy, port, world } = await startProxy([createCluster([mute])]);
    world.settings.set({ ...world.settings.value, drainDeadlineMs: 40 });
    const cut = assert.rejects(send(port));
    await until(() => metric(proxy, "weft_upstream_requests_active") === 1, "the request at the host");
    assert.equal(await proxy.drain(), "deadline");
    await cut;
  });
});
