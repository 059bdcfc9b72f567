import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isWeftError } from "@weft/kernel";
import { createBackend, createCluster, createListener, createRule } from "@weft/testkit";
import { echo, metric, send, startHttpServer, startProxy, until } from "./proxy.fixture.ts";

describe("a configuration that cannot be taken", () => {
  test("leaves the one before in force, is counted, and does not fall back on who published it", async () => {
    const { port: host } = await startHttpServer(echo);
    const errors: string[] = [];
    const log = {
      debug: () => {},
      info: () => {},
      warn: () => {},
      error: (message: string) => void errors.push(message),
    };
    const { proxy, port, world } = await startProxy([createCluster([host])], undefined, createListener(), { log });
    const [cluster] = world.clusters.value;
    assert.ok(cluster !== undefined);
    world.clusters.set([{ ...cluster, hosts: [...cluster.hosts, ...cluster.hosts] }]);
    assert.equal((await send(port)).status, 200);
    world.routes.set([{ name: "routes", rules: [createRule({ hostnames: ["not a host"] })] }]);
    assert.equal((await send(port)).status, 200);
    assert.equal(metric(proxy, "weft_config_updates_total", "refused"), 2);
    assert.equal(metric(proxy, "weft_config_last_reload_successful"), 0);
    // One part that is right again does not make up for the other.
    world.clusters.set([{ ...cluster }]);
    assert.equal(metric(proxy, "weft_config_last_reload_successful"), 0);
    world.routes.set([{ name: "routes", rules: [createRule()] }]);
    assert.equal(metric(proxy, "weft_config_last_reload_successful"), 1);
    assert.deepEqual(
      errors.map((message) => message.split(" ")[0]),
      ["clusters", "route"],
    );
  });

  test("because an address is taken counts as refused until there is one that can be listened on", async () => {
    const { port: taken } = await startHttpServer(echo);
    const { proxy, world } = await startProxy([createCluster([taken])]);
    const isCurrent = (): number => metric(proxy, "weft_config_last_reload_successful");
    assert.equal(isCurrent(), 1);
    const [listener] = world.listeners.value;
    assert.ok(listener !== undefined);
    world.listeners.set([listener, { ...listener, name: "second", port: taken }]);
    await until(() => isCurrent() === 0, "the refusal is counted");
    world.listeners.set([listener]);
    await until(() => isCurrent() === 1, "the configuration is in force");
  });

  test("at the start makes ready() fail", async () => {
    const cluster = createCluster([1]);
    const hosts = [...cluster.hosts, ...cluster.hosts];
    await assert.rejects(startProxy([{ ...cluster, hosts }]), (error) => isWeftError(error, "CLUSTER_DUPLICATE_HOST"));
  });
});

describe("configurations while requests run", () => {
  test("change routes and clusters for the next request", async () => {
    const { port: first } = await startHttpServer((_request, response) => response.end("first"));
    const { port: second } = await startHttpServer((_request, response) => response.end("second"));
    const { port, world } = await startProxy([createCluster([first])]);
    assert.equal((await send(port)).body, "first");
    world.clusters.set([createCluster([second])]);
    assert.equal((await send(port)).body, "second");
    world.clusters.set([createCluster([second]), createCluster([first], { name: "other" })]);
    world.routes.set([{ name: "routes", rules: [createRule({ backends: [createBackend("other")] })] }]);
    assert.equal((await send(port)).body, "first");
    world.routes.set([]);
    assert.equal((await send(port)).headers["x-weft-error"], "PROXY_NOT_READY");
  });
});
