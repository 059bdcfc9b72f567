import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterStore } from "./cluster-store.ts";
import { CLUSTERS_MAX } from "./limits.ts";
import { clusterConfig, hostConfig, testContext } from "./test-cluster.ts";

test("apply() adds, updates and removes by name, and leaves alone what is equal", () => {
  const context = testContext();
  const store = new ClusterStore(context);
  const first = store.apply([clusterConfig({ name: "a" }), clusterConfig({ name: "b" })]);
  assert.deepEqual(first, { added: ["a", "b"], updated: [], removed: [] });
  const a = store.get("a");
  context.observer.take();
  const changes = store.apply([
    structuredClone(clusterConfig({ name: "a" })),
    clusterConfig({ name: "c", hosts: [hostConfig(9)] }),
  ]);
  assert.deepEqual(changes, { added: ["c"], updated: [], removed: ["b"] });
  assert.equal(store.get("a"), a);
  assert.equal(store.get("b"), undefined);
  assert.deepEqual(context.observer.take(), [
    "added 10.0.0.9:80",
    "removed 10.0.0.1:80",
    "removed 10.0.0.2:80",
    "removed 10.0.0.3:80",
  ]);
  assert.deepEqual(store.apply([clusterConfig({ name: "a", hosts: [hostConfig(1)] })]).updated, ["a"]);
  assert.equal(store.get("a"), a);
  assert.equal(a?.hosts.size, 1);
  assert.equal(store.size, 1);
});

test("apply() changes nothing when any cluster is refused", () => {
  const context = testContext();
  const store = new ClusterStore(context);
  store.apply([clusterConfig({ name: "a" })]);
  context.observer.take();
  const twice = [clusterConfig({ name: "b" }), clusterConfig({ name: "b" })];
  assert.throws(() => store.apply(twice), { code: "CLUSTER_DUPLICATE_NAME", message: /"b" is there twice/ });
  const bad = [clusterConfig({ name: "b" }), clusterConfig({ name: "c", hosts: [hostConfig(1), hostConfig(1)] })];
  assert.throws(() => store.apply(bad), { code: "CLUSTER_DUPLICATE_HOST" });
  assert.deepEqual(
    [...store.values()].map((cluster) => cluster.name),
    ["a"],
  );
  assert.deepEqual(context.observer.take(), []);
});

test("apply() refuses more clusters than CLUSTERS_MAX", () => {
  const store = new ClusterStore(testContext());
  const configs = Array.from({ length: CLUSTERS_MAX + 1 }, () => clusterConfig());
  assert.throws(() => store.apply(configs), { code: "CLUSTER_INVALID_CONFIG", message: /at most 100000/ });
});

test("apply() refuses certificates that cannot be used, without quoting the key", () => {
  const tls = {
    serverName: "",
    ca: "",
    certificateChain: "not a certificate",
    privateKey: "the secret",
    minVersion: "TLSv1.3",
    subjectAltNames: [],
  } as const;
  const store = new ClusterStore(testContext());
  assert.throws(
    () => store.apply([clusterConfig({ tls })]),
    (error: Error) => /TLS certificates cannot be used/.test(error.message) && !error.message.includes("secret"),
  );
  assert.equal(store.size, 0);
});

test("close() closes every cluster and the resolver", () => {
  const context = testContext();
  const store = new ClusterStore(context);
  store.apply([clusterConfig({ name: "a" }), clusterConfig({ name: "b" })]);
  store.close();
  assert.equal(store.size, 0);
  assert.equal(context.wheel.size, 0);
  assert.equal(context.resolver.isClosed, true);
});
