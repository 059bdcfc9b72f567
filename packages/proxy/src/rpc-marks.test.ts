// Colours and traces go with calls over two sidecars to the host, in the words of the protocol: Bolt's header map, Dubbo's
// attachments.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { RpcProtocol } from "@weft/contract";
import { createBackend, createCluster, createRule, createSettings } from "@weft/testkit";
import { PEER_PROTOCOLS, startPeerClient, startPeerServer } from "@weft/testkit/rpc-peers";
import {
  assertBalanced,
  connectRaw,
  metric,
  onEnd,
  type ProxyFixture,
  startHttpServer,
  startTcpServer,
  until,
} from "./proxy.fixture.ts";
import { boltRequest, boltResponse, startBoltServer, startSidecars } from "./rpc.fixture.ts";

const PROTOCOLS: readonly RpcProtocol[] = ["bolt", "dubbo"];
const LOAD_TEST = { header: "x-load-test", value: "yes" };

/** Calls a service with fields of the caller's; resolves with the answer's text. */
type Ask = (service: string, fields?: Readonly<Record<string, string>>) => Promise<string>;

/** How hosts and callers of a protocol are made. */
interface Ends {
  /** A host that answers `name`. */
  startHost(t: TestContext, name: string): Promise<number>;
  startCaller(t: TestContext, port: number): Promise<Ask>;
}

const ENDS: Record<RpcProtocol, Ends> = {
  // sofa-bolt-node writes what a caller adds into the body, which sidecars do not look into: frames of our own.
  bolt: {
    startHost: (_t, name) => startBoltServer((id) => boltResponse(id, 0, Buffer.from(`<${name}>`))),
    startCaller: async (_t, port) => {
      const client = connectRaw(port);
      let id = 0;
      return async (service, headers = {}) => {
        id++;
        client.socket.write(boltRequest({ id, service: `${service}:1.0`, headers }));
        const answers = (): string[] => Array.from(client.text().matchAll(/<(\w+)>/g), ([, name = ""]) => name);
        await until(() => answers().length === id, `answer ${id}`);
        return answers().at(-1) ?? "";
      };
    },
  },
  dubbo: {
    startHost: (t, name) => startPeerServer(t, PEER_PROTOCOLS.dubbo, () => name),
    startCaller: async (t, port) => {
      const client = await startPeerClient(t, PEER_PROTOCOLS.dubbo, port);
      return async (service, requestProps = {}) => {
        const call = { serverSignature: `${service}:1.0`, methodName: "book", args: ["a"], timeout: 3000 };
        const answer = await client.writeRequest({ ...call, methodArgSigs: ["java.lang.String"], requestProps });
        return String(answer.data.appResponse);
      };
    },
  },
};

/** A port before a host's that keeps what is sent to it. */
async function startTap(port: number): Promise<{ port: number; heard: () => string }> {
  const heard: Buffer[] = [];
  const tap = await startTcpServer((socket: Socket) => {
    const host = connect(port, "127.0.0.1");
    onEnd(() => void host.destroy());
    socket.on("data", (chunk: Buffer) => heard.push(chunk));
    socket.pipe(host).pipe(socket);
    host.on("error", () => socket.destroy());
  });
  return { port: tap.port, heard: () => Buffer.concat(heard).toString("latin1") };
}

/** The values of a pair in what was heard: behind the key comes the length, in as many bytes as the protocol takes. */
function valuesOf(heard: string, key: string, value: RegExp): string[] {
  const pairs = heard.matchAll(new RegExp(`${key}[^]{1,4}?(${value.source})`, "g"));
  return Array.from(pairs, ([, found = ""]) => found);
}

const TRACEPARENT = /00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}/;

/** Has a proxy log and trace every request; what it logged, once it is closed. */
async function logAndTrace(t: TestContext, { world, proxy }: ProxyFixture): Promise<() => Promise<string[]>> {
  const folder = mkdtempSync(join(tmpdir(), "weft-marks-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const target = join(folder, "access.log");
  const { port: collector } = await startHttpServer((request, response) => {
    request.resume();
    request.on("end", () => response.end());
  });
  const rules = [{ statusMin: 0, durationMsMin: 0, routes: [], sample: 1 }];
  const tracing = { otlpEndpoint: `http://127.0.0.1:${collector}/v1/traces`, sample: 1 };
  world.settings.set(createSettings({ accessLog: { target, rules }, tracing }));
  return async () => {
    await proxy.close();
    const lines = readFileSync(target, "utf8").trimEnd().split("\n");
    return lines.map((line) => String((JSON.parse(line) as Record<string, unknown>)["trace_id"]));
  };
}

for (const protocol of PROTOCOLS) {
  test(`${protocol}: a call that is coloured at the first sidecar is told by its colour at the next`, async (t) => {
    const { startHost, startCaller } = ENDS[protocol];
    const [live, shadow] = await Promise.all([startHost(t, "live"), startHost(t, "shadow")]);
    const tap = await startTap(shadow);
    const tested = { path: { type: "prefix", value: "/com.shop.Tested" } as const, method: "", queryParams: [] };
    const sidecars = await startSidecars(protocol, live, {
      rules: [createRule(), createRule({ route: "test/tested", match: { ...tested, headers: [] }, colour: LOAD_TEST })],
    });
    const { world } = sidecars.inbound;
    world.clusters.set([...world.clusters.value, createCluster([tap.port], { protocol, name: "shadow" })]);
    const isColoured = { type: "exact", name: LOAD_TEST.header, value: LOAD_TEST.value } as const;
    const match = { path: null, method: "", headers: [isColoured], queryParams: [] };
    const rules = [createRule(), createRule({ route: "test/shadow", match, backends: [createBackend("shadow")] })];
    world.routes.set([{ name: "routes", rules }]);
    const ask = await startCaller(t, sidecars.port);
    assert.equal(await ask("com.shop.Ledger"), "live");
    assert.equal(await ask("com.shop.Tested"), "shadow");
    assert.deepEqual(valuesOf(tap.heard(), LOAD_TEST.header, /yes/), ["yes"]);
    // What an application passes on of a call that it got is a colour like any other.
    assert.equal(await ask("com.shop.Ledger", { [LOAD_TEST.header]: LOAD_TEST.value }), "shadow");
    assert.deepEqual(valuesOf(tap.heard(), LOAD_TEST.header, /yes/), ["yes", "yes"]);
    assert.equal(await ask("com.shop.Ledger"), "live");
    for (const { proxy } of [sidecars.outbound, sidecars.inbound]) {
      assert.equal(metric(proxy, "weft_upstream_rpc_faults_total", "unapplied"), 0);
      await assertBalanced(proxy);
    }
  });

  test(`${protocol}: a call has one trace over both sidecars, which the host is told`, async (t) => {
    const { startHost, startCaller } = ENDS[protocol];
    const tap = await startTap(await startHost(t, "ok"));
    const sidecars = await startSidecars(protocol, tap.port);
    const outbound = await logAndTrace(t, sidecars.outbound);
    const inbound = await logAndTrace(t, sidecars.inbound);
    const ask = await startCaller(t, sidecars.port);
    const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert.equal(await ask("com.shop.Ledger"), "ok");
    assert.equal(await ask("com.shop.Ledger", { traceparent: parent }), "ok");
    const told = valuesOf(tap.heard(), "traceparent", TRACEPARENT).map((value) => value.split("-"));
    assert.equal(told.length, 2, "one per call");
    assert.equal(told[1]?.[1], parent.split("-")[1], "the caller's trace goes on");
    assert.notEqual(told[1]?.[2], parent.split("-")[2], "under a span of ours");
    const traceIds = told.map(([, traceId]) => traceId);
    assert.notEqual(traceIds[0], traceIds[1]);
    assert.deepEqual(await outbound(), traceIds);
    assert.deepEqual(await inbound(), traceIds);
  });
}
