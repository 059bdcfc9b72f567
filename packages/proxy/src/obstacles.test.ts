import assert from "node:assert/strict";
import { createServer } from "node:net";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { createCluster, createListener } from "@weft/testkit";
import { onEnd, startProxy } from "./proxy.fixture.ts";

const RULES = [{ statusMin: 0, durationMsMin: 0, routes: [], sample: 1 }];

describe("Proxy.findObstacles()", () => {
  test("names each thing that is not to be had, and leaves nothing behind", async () => {
    const { proxy, world } = await startProxy([createCluster([1])]);
    const [present] = world.listeners.value;
    assert.ok(present !== undefined);
    const holder = createServer().listen(0, "127.0.0.1");
    onEnd(() => void holder.close());
    await once(holder, "listening");
    const { port } = holder.address() as AddressInfo;
    const settings = {
      ...world.settings.value,
      name: "shop/edge",
      accessLog: { target: "/proc/nope/a.log", rules: RULES },
      tracing: { otlpEndpoint: "no endpoint", sample: 1 },
    };
    const found = await proxy.findObstacles({
      settings,
      listeners: [present, createListener({ name: "second", address: "127.0.0.1", port })],
    });
    assert.deepEqual(
      found.map(({ kind, namespace, name, path }) => [kind, namespace, name, path]),
      [
        ["ProxyConfig", "shop", "edge", "spec.accessLog.target"],
        ["ProxyConfig", "shop", "edge", "spec.tracing.otlpEndpoint"],
        ["listener second", "", "", ""],
      ],
    );
    assert.match(found[2]?.expected ?? "", /EADDRINUSE/);
    assert.deepEqual(
      proxy.listeners().map(({ name }) => name),
      ["http"],
    );
  });

  test("finds none where a file can be made and an address is free, which is free afterwards", async () => {
    const { proxy, world } = await startProxy([createCluster([1])]);
    const folder = await mkdtemp(join(tmpdir(), "weft-obstacles-"));
    onEnd(() => rm(folder, { recursive: true }));
    const holder = createServer().listen(0, "127.0.0.1");
    await once(holder, "listening");
    const { port } = holder.address() as AddressInfo;
    holder.close();
    await once(holder, "close");
    const settings = { ...world.settings.value, accessLog: { target: join(folder, "a.log"), rules: RULES } };
    const listeners = [createListener({ name: "second", address: "127.0.0.1", port })];
    assert.deepEqual(await proxy.findObstacles({ settings, listeners }), []);
    assert.deepEqual(await readdir(folder), ["a.log"]);
    holder.listen(port, "127.0.0.1");
    await once(holder, "listening");
    holder.close();
  });
});

describe("a listener that moves from all addresses of a port to one", () => {
  test("is not kept out by itself", async () => {
    const { proxy, world } = await startProxy([createCluster([1])]);
    const [present] = world.listeners.value;
    const port = proxy.listeners()[0]?.port ?? 0;
    assert.ok(present !== undefined);
    world.listeners.set([{ ...present, address: "0.0.0.0", port }]);
    await proxy.settled();
    const listeners = [{ ...present, address: "127.0.0.1", port }];
    assert.deepEqual(await proxy.findObstacles({ settings: world.settings.value, listeners }), []);
    world.listeners.set(listeners);
    await proxy.settled();
    assert.deepEqual(
      proxy.listeners().map(({ address }) => address),
      ["127.0.0.1"],
    );
  });
});

describe("settings that cannot be taken", () => {
  test("change nothing, and settled() says why until they are right", async () => {
    const { proxy, world } = await startProxy([createCluster([1])]);
    const before = world.settings.value;
    await proxy.settled();
    world.settings.set({ ...before, hopsMax: 3, accessLog: { target: "/proc/nope/a.log", rules: RULES } });
    await assert.rejects(proxy.settled(), /ACCESS_LOG_OPEN_FAILED/);
    assert.deepEqual((await proxy.admin.world())?.settings, before);
    world.settings.set({ ...before, hopsMax: 3 });
    await proxy.settled();
    assert.equal((await proxy.admin.world())?.settings.hopsMax, 3);
  });
});
