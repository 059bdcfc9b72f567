import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { FakeClock, isWeftError } from "@weft/kernel";
import { createBackend, createCluster, createListener, createRule } from "@weft/testkit";
import { METRICS_RETIRED_KEEP_MS } from "./metrics/limits.ts";
import { echo, metric, onEnd, send, startHttpServer, startProxy, until } from "./proxy.fixture.ts";

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

describe("two rules of one route", () => {
  test("are told apart in metrics and in the access log, and a rule's series go with it", async () => {
    const { port: host } = await startHttpServer(echo);
    const folder = await mkdtemp(join(tmpdir(), "weft-rules-"));
    onEnd(() => rm(folder, { recursive: true }));
    const path = (value: string) => ({
      match: { path: { type: "prefix", value }, method: "", headers: [], queryParams: [] } as const,
    });
    const rules = [createRule({ ...path("/a"), rule: 0 }), createRule({ ...path("/b"), rule: 1, ruleName: "second" })];
    const clock = new FakeClock();
    const { proxy, port, world } = await startProxy([createCluster([host])], rules, createListener(), { clock });
    const target = join(folder, "access.log");
    const everything = { statusMin: 0, durationMsMin: 0, routes: [], sample: 1 };
    world.settings.set({ ...world.settings.value, accessLog: { target, rules: [everything] } });
    for (const target of ["/a/1", "/a/2", "/b/1"]) assert.equal((await send(port, { path: target })).status, 200);
    assert.equal((await send(port, { path: "/c" })).status, 404);
    assert.equal(metric(proxy, "weft_router_requests_total", "test/route", "rules[0]", "2xx"), 2);
    assert.equal(metric(proxy, "weft_router_requests_total", "test/route", "second", "2xx"), 1);
    world.routes.set([{ name: "routes", rules: rules.slice(0, 1) }]);
    await until(() => metric(proxy, "weft_config_revision") === 3, "the rule is gone");
    const labels = (): (readonly string[])[] =>
      (proxy.metrics().numbers["weft_router_requests_active"] ?? []).map((sample) => sample.labels);
    assert.equal(labels().length, 2);
    clock.advance(METRICS_RETIRED_KEEP_MS);
    await until(() => labels().length === 1, "its series have gone");
    assert.deepEqual(labels(), [["test/route", "rules[0]"]]);
    await proxy.close();
    const lines = (await readFile(target, "utf8")).trim().split("\n");
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as { rule: string }).rule),
      ["rules[0]", "rules[0]", "second", ""],
    );
  });
});

describe("listeners", () => {
  test("whose address is taken keep no other from being listened on, and are refused", async () => {
    const { port: host } = await startHttpServer(echo);
    const { proxy, port, world } = await startProxy([createCluster([host])]);
    const [first] = world.listeners.value;
    assert.ok(first !== undefined);
    const taken = createListener({ name: "taken", port: host });
    world.listeners.set([taken, createListener({ name: "free" }), { ...first, bodyBytesMax: 3 }]);
    await until(() => metric(proxy, "weft_config_updates_total", "refused") === 1, "one is refused");
    assert.deepEqual(
      proxy
        .listeners()
        .map(({ name }) => name)
        .toSorted(),
      ["free", "http"],
    );
    const free = proxy.listeners().find(({ name }) => name === "free");
    assert.equal((await send(free?.port ?? 0)).status, 200);
    assert.equal((await send(port, { method: "POST", body: "long" })).status, 413);
  });
});
