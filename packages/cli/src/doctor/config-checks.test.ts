import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { ResourceProblem, World } from "@weft/contract";
import { createCluster, createListener, createSettings } from "@weft/testkit";
import { chooseFreePort } from "../bench/ports.ts";
import {
  checkAdmin,
  checkConfiguration,
  checkConnections,
  checkDescriptors,
  checkDns,
  checkPorts,
} from "./config-checks.ts";

function worldOf(changes: Partial<World> = {}): World {
  const settings = createSettings({ admin: { address: "127.0.0.1", port: 0, metricsOpen: false } });
  return { revision: 1, settings, listeners: [], routeTables: [], clusters: [], ...changes };
}

test("checkConfiguration() passes on what is wrong with the files", () => {
  const problem: ResourceProblem = {
    file: "shop.yaml",
    line: 3,
    column: 1,
    kind: "Gateway",
    namespace: "shop",
    name: "edge",
    path: "spec",
    value: "missing",
    expected: "an object",
    condition: "Accepted",
    reason: "Invalid",
  };
  const wrong = checkConfiguration(null, [problem]);
  assert.deepEqual(
    [wrong.verdict, wrong.detail],
    ["failed", "shop.yaml:3: Gateway shop/edge spec: missing — expected an object"],
  );
  assert.equal(
    checkConfiguration(worldOf({ clusters: [createCluster([80])] }), []).detail,
    "0 listeners and 1 cluster",
  );
});

test("checkDescriptors() compares the limit with the connections that are allowed", () => {
  const world = worldOf({ listeners: [createListener({ connectionsMax: 5000 })] });
  const few = checkDescriptors(world, 1024);
  assert.equal(few.verdict, "warning");
  assert.match(few.action, /ulimit -n 5064/);
  assert.equal(checkDescriptors(world, 5064).verdict, "ok");
  assert.equal(checkDescriptors(world, null).verdict, "skipped");
});

test("checkConnections() finds clusters with more hosts than connections", () => {
  const cluster = createCluster([80, 81, 82]);
  assert.equal(checkConnections(worldOf({ clusters: [cluster] })).verdict, "ok");
  const few = { ...cluster, breaker: { ...cluster.breaker, connectionsMax: 2 } };
  const found = checkConnections(worldOf({ clusters: [cluster, few] }));
  assert.equal(found.verdict, "warning");
  assert.equal(found.detail, "backend may have 2 connections per worker, and has 3 hosts");
  assert.match(found.action, /raise breaker\.connectionsMax/);
});

test("checkPorts() finds addresses that are taken or none of this machine's, and knows those of the proxy that runs", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    const world = worldOf({ listeners: [createListener({ address: "127.0.0.1", port })] });
    const taken = await checkPorts(world, new Set());
    assert.deepEqual([taken.verdict, taken.detail], ["failed", `127.0.0.1:${port} is taken by another process`]);
    assert.match(taken.action, new RegExp(`sport = :${port}'`));
    const own = await checkPorts(world, new Set([`127.0.0.1:${port}`]));
    assert.deepEqual([own.verdict, own.detail], ["ok", "1 served by the proxy that runs, 0 free"]);
  } finally {
    server.close();
  }
  const elsewhere = await checkPorts(
    worldOf({ listeners: [createListener({ address: "192.0.2.1", port: 80 })] }),
    new Set(),
  );
  assert.deepEqual([elsewhere.verdict, elsewhere.detail], ["failed", "192.0.2.1:80 is no address of this machine"]);
  const free = await chooseFreePort();
  const settings = createSettings({ admin: { address: "127.0.0.1", port: free, metricsOpen: false } });
  assert.equal((await checkPorts(worldOf({ settings }), new Set())).detail, "1 free");
});

test("checkDns() asks for each name once, and tells a wrong name from a server that does not answer", async () => {
  const dns = (name: string) => ({ type: "dns", name, port: 80, ttlMsMin: 1, ttlMsMax: 2 }) as const;
  const clusterOf = (name: string, host: string) => createCluster([], { name, source: dns(host) });
  const asked: string[] = [];
  const check = (type: "addresses" | "empty" | "failed") =>
    checkDns(
      worldOf({ clusters: [clusterOf("a", "cart.internal"), clusterOf("b", "cart.internal")] }),
      async (name) => {
        asked.push(name);
        return type === "addresses" ? { type, addresses: [], missingFamily: 0 } : { type, reason: "ECONNREFUSED" };
      },
    );
  assert.deepEqual((await check("addresses")).detail, "1 name resolved");
  assert.deepEqual(asked, ["cart.internal"]);
  assert.equal((await check("empty")).verdict, "warning");
  const failed = await check("failed");
  assert.deepEqual([failed.verdict, failed.detail], ["failed", "cart.internal is not answered (ECONNREFUSED)"]);
  assert.equal((await checkDns(worldOf({ clusters: [createCluster([80])] }))).verdict, "ok");
  // For real: the one name that needs no server.
  assert.equal((await checkDns(worldOf({ clusters: [clusterOf("a", "localhost")] }))).detail, "1 name resolved");
});

test("checkAdmin() warns of an admin server that others reach", () => {
  assert.equal(checkAdmin(worldOf(), "").verdict, "ok");
  const reached = (metricsOpen: boolean): World =>
    worldOf({ settings: createSettings({ admin: { address: "0.0.0.0", port: 15_000, metricsOpen } }) });
  const locked = checkAdmin(reached(false), "");
  assert.equal(locked.verdict, "warning");
  assert.match(
    locked.detail,
    /is reached by other machines, and shows them nothing but whether it lives and is ready$/,
  );
  assert.match(locked.action, /WEFT_ADMIN_TOKEN/);
  assert.match(checkAdmin(reached(true), "").detail, /nothing but its metrics and whether/);
  const guarded = checkAdmin(reached(false), "t0ken");
  assert.equal(guarded.verdict, "warning");
  assert.match(guarded.detail, /to whoever has the token, which goes over the wire as it is$/);
  assert.match(checkAdmin(reached(true), "t0ken").detail, /its metrics to everybody/);
});
