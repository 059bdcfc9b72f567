import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request as httpsRequest } from "node:https";
import { connect as connectHttp2 } from "node:http2";
import type { IncomingMessage } from "node:http";
import { describe, test } from "node:test";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { ListenerConfig, ListenerTls } from "@weft/contract";
import { createCluster, createListener, createRule, createTestCertificate } from "@weft/testkit";
import { metric, onEnd, type ProxyFixture, sendHttp2, startProxy, until } from "../proxy.fixture.ts";

const ROTATIONS = 30;
const NAME = "shop.example";

type Pair = ReturnType<typeof createTestCertificate>;

const pairs: readonly Pair[] = Array.from({ length: ROTATIONS + 1 }, () => createTestCertificate(NAME));

function pairAt(index: number): Pair {
  return pairs[index] ?? assert.fail(`no pair ${index}`);
}

function tlsOf({ certificate, key }: Pair): ListenerTls {
  return {
    certificates: [{ name: "own", certificateChain: certificate, privateKey: key }],
    hosts: [],
    clientCa: "",
    clientCertificate: "ignore",
    minVersion: "TLSv1.2",
    alpn: ["h2", "http/1.1"],
  };
}

const ANSWER = createRule({
  backends: [],
  directResponse: { status: 200, body: "hello", contentType: "text/plain" },
});

function start(changes: Partial<ListenerConfig> = {}): Promise<ProxyFixture> {
  return startProxy([createCluster([1])], [ANSWER], createListener({ tls: tlsOf(pairAt(0)), ...changes }));
}

/** Replaces the certificate of the first listener; resolves when it was taken or refused. */
async function rotate({ world, proxy }: ProxyFixture, tls: ListenerTls): Promise<void> {
  const [listener, ...others] = world.listeners.value;
  assert.ok(listener !== undefined);
  const before = metric(proxy, "weft_config_updates_total");
  world.listeners.set([{ ...listener, tls }, ...others]);
  await until(() => metric(proxy, "weft_config_updates_total") > before, "the listeners are applied");
}

const INSECURE = { rejectUnauthorized: false } as const;

/** A handshake, and the session that the server gives for the next one. */
async function handshake(
  port: number,
  options: ConnectionOptions = {},
): Promise<{ socket: TLSSocket; session: Buffer | undefined }> {
  const socket = connectTls({ host: "127.0.0.1", port, servername: NAME, ...INSECURE, ...options });
  onEnd(() => void socket.destroy());
  let session: Buffer | undefined;
  socket.on("session", (given: Buffer) => (session = given));
  await once(socket, "secureConnect");
  // In TLS 1.3 tickets come after the handshake: an answer behind them shows that they have come.
  socket.write("GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n");
  await once(socket, "data");
  return { socket, session };
}

function fingerprint(socket: TLSSocket): string | undefined {
  return socket.getPeerX509Certificate()?.fingerprint256;
}

describe("certificates that are rotated under load", () => {
  test("fail no handshake, no connection and no request", async () => {
    const fixture = await start();
    const { port, proxy } = fixture;
    const over = new AbortController();
    const counts = { fresh: 0, kept: 0, http2: 0 };
    const request = async (agent: Agent | false): Promise<void> => {
      const outgoing = httpsRequest({ host: "127.0.0.1", port, agent, servername: NAME, ...INSECURE });
      outgoing.end();
      const [response] = (await once(outgoing, "response")) as [IncomingMessage];
      response.resume();
      await once(response, "end");
      assert.equal(response.statusCode, 200);
    };
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const client = connectHttp2(`https://127.0.0.1:${port}`, { servername: NAME, ...INSECURE });
    onEnd(() => {
      agent.destroy();
      client.destroy();
    });
    const loop = async (count: () => void, work: () => Promise<unknown>): Promise<void> => {
      while (!over.signal.aborted) {
        await work();
        count();
      }
    };
    const load = [
      loop(
        () => counts.fresh++,
        () => request(false),
      ),
      loop(
        () => counts.kept++,
        () => request(agent),
      ),
      loop(
        () => counts.http2++,
        async () => assert.equal((await sendHttp2(client)).status, 200),
      ),
    ];
    for (let index = 1; index <= ROTATIONS; index++) {
      const before = counts.fresh;
      await rotate(fixture, tlsOf(pairAt(index)));
      await until(() => counts.fresh > before, "a handshake between two rotations");
    }
    over.abort();
    await Promise.all(load);
    assert.ok(counts.kept > ROTATIONS && counts.http2 > ROTATIONS, JSON.stringify(counts));
    assert.equal(metric(proxy, "weft_listener_tls_handshakes_total", "failed"), 0);
    assert.equal(metric(proxy, "weft_listener_tls_handshakes_total", "ok"), counts.fresh + 2);
    const { socket } = await handshake(port);
    const newest = createTestCertificate(NAME);
    await rotate(fixture, tlsOf(newest));
    assert.notEqual(fingerprint(socket), fingerprint((await handshake(port)).socket));
  });

  test("are refused when key and certificate do not fit, and nothing of that configuration is taken", async () => {
    const first = createListener({ name: "first", tls: tlsOf(pairAt(0)) });
    const { proxy, port, world } = await startProxy([createCluster([1])], [ANSWER], first);
    const second = createListener({ name: "second", tls: tlsOf(pairAt(1)) });
    world.listeners.set([first, second]);
    await until(() => proxy.listeners().length === 2, "both listen");
    const before = fingerprint((await handshake(port)).socket);
    const crossed = tlsOf({ certificate: pairAt(2).certificate, key: pairAt(3).key });
    // The first could be taken, and the second is to go: the third spoils it for both.
    const third = createListener({ name: "third", tls: crossed });
    world.listeners.set([{ ...first, tls: tlsOf(pairAt(2)) }, third]);
    await until(() => metric(proxy, "weft_config_updates_total", "refused") === 1, "the configuration is refused");
    assert.deepEqual(
      proxy.listeners().map(({ name }) => name),
      ["first", "second"],
    );
    assert.equal(fingerprint((await handshake(port)).socket), before);
    const secondPort = proxy.listeners()[1]?.port ?? 0;
    await handshake(secondPort);
    world.listeners.set([{ ...first, tls: tlsOf(pairAt(2)) }, second]);
    await until(async () => fingerprint((await handshake(port)).socket) !== before, "a sound one is taken again");
  });

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    test(`let ${version} clients resume, and after a rotation begin anew with the new one`, async () => {
      const fixture = await start();
      const { port } = fixture;
      const options = { minVersion: version, maxVersion: version } as const;
      const first = await handshake(port, options);
      assert.ok(first.session !== undefined, "the client got a ticket");
      const resumed = await handshake(port, { ...options, session: first.session });
      assert.equal(resumed.socket.isSessionReused(), true);
      await rotate(fixture, tlsOf(pairAt(1)));
      // What a ticket vouches for was checked under the old configuration.
      const renewed = await handshake(port, { ...options, session: first.session });
      assert.equal(renewed.socket.isSessionReused(), false);
      assert.notEqual(fingerprint(renewed.socket), fingerprint(first.socket));
      assert.ok(renewed.session !== undefined);
      const again = await handshake(port, { ...options, session: renewed.session });
      assert.equal(again.socket.isSessionReused(), true);
      assert.equal(metric(fixture.proxy, "weft_listener_tls_handshakes_total", "failed"), 0);
    });
  }
});
