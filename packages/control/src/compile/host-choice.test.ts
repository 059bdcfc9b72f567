import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClusterConfig, RouteBackend, ShardSize } from "@weft/contract";
import { CLIENTS_MAX, SUBSET_SELECTORS_MAX } from "../limits.ts";
import { gateway, problemsOf, route, service, worldOf } from "../load/resources.fixture.ts";

const BACKEND = "  rules: [{ backendRefs: [{ name: cart, port: 80 }] }]";
const SUBSETS = "subsets: { selectors: [{ keys: [version] }, { keys: [stage, version] }] }";

function policy(spec: string): string {
  return `apiVersion: weft.dev/v1\nkind: TrafficPolicy\nmetadata: { name: p }\nspec:\n  targetRefs: [{ kind: Service, name: cart }]\n  ${spec}`;
}

function proxyConfig(spec: string): string {
  return `apiVersion: weft.dev/v1\nkind: ProxyConfig\nmetadata: { name: edge }\nspec:\n  ${spec}`;
}

/** The cluster of Service "cart" under a policy. */
function cluster(spec: string, ...documents: readonly string[]): ClusterConfig {
  const [first] = worldOf([gateway(), route("shop", BACKEND), service("cart"), policy(spec), ...documents]).clusters;
  assert.ok(first);
  return first;
}

function sizeOf(fields: string): ShardSize | undefined {
  return cluster(`sharding: { algorithm: balanced${fields} }`).sharding?.size;
}

test("compileSharding() takes a size as hosts, as a percentage, or from the load", () => {
  assert.deepEqual(sizeOf(", size: 20"), { type: "fixed", hosts: 20 });
  assert.deepEqual(sizeOf(', size: "12.5%"'), { type: "percent", percent: 12.5, hostsMin: 5 });
  assert.deepEqual(sizeOf(', size: "20%", hostsMin: 2'), { type: "percent", percent: 20, hostsMin: 2 });
  assert.deepEqual(sizeOf(""), {
    type: "automatic",
    requestsPerConnection: 10,
    hostsMin: 5,
    connectionsPerHostMax: 10_000,
  });
  assert.deepEqual(sizeOf(", size: auto, requestsPerConnection: 0.5, connectionsPerHostMax: 40, clientCount: 900"), {
    type: "automatic",
    requestsPerConnection: 0.5,
    hostsMin: 5,
    connectionsPerHostMax: 40,
  });
});

test("compileSharding() takes the client from the policy, or else from the ProxyConfig", () => {
  const client = (spec: string, ...documents: readonly string[]): unknown => {
    const { clientId, clientIndex, clientCount } = cluster(spec, ...documents).sharding ?? {};
    return [clientId, clientIndex, clientCount];
  };
  const node = proxyConfig("node: { id: pod-7, index: 7 }");
  assert.deepEqual(client("sharding: { algorithm: rendezvous }"), ["", null, null]);
  assert.deepEqual(client("sharding: { algorithm: rendezvous }", node), ["pod-7", 7, null]);
  assert.deepEqual(client("sharding: { algorithm: rendezvous, clientId: x, clientIndex: 0, clientCount: 9 }", node), [
    "x",
    0,
    9,
  ]);
  assert.equal(cluster("sharding: { algorithm: none }").sharding, null);
  assert.equal(cluster("retryBudget: { percentage: 1 }").sharding, null);
});

test("compileSubsets() writes out fallbacks", () => {
  assert.deepEqual(cluster(SUBSETS).subsets, {
    selectors: [
      { keys: ["version"], fallback: { type: "none" } },
      { keys: ["stage", "version"], fallback: { type: "none" } },
    ],
    fallback: { type: "any" },
    subsetsMax: 1024,
  });
  const labelled =
    "subsets: { selectors: [{ keys: [version], fallback: default }], fallback: none, defaultLabels: { version: v1 }, subsetsMax: 3 }";
  assert.deepEqual(cluster(labelled).subsets, {
    selectors: [{ keys: ["version"], fallback: { type: "default", labels: { version: "v1" } } }],
    fallback: { type: "none" },
    subsetsMax: 3,
  });
});

function backends(ref: string): readonly RouteBackend[] {
  const world = worldOf([
    gateway(),
    route("shop", `  rules: [{ backendRefs: [{ name: cart, port: 80${ref} }] }]`),
    service("cart"),
    policy(SUBSETS),
  ]);
  return world.routeTables[0]?.rules.find(({ route: name }) => name === "default/shop")?.backends ?? [];
}

test("compileRouteSubset() takes labels as they are, and from headers", () => {
  assert.equal(backends("")[0]?.subset, null);
  assert.deepEqual(backends(", subset: { version: v2 }")[0]?.subset, { labels: { version: "v2" }, headers: [] });
  assert.deepEqual(backends(", subset: { version: v2 }, subsetHeaders: { stage: X-Stage }")[0]?.subset, {
    labels: { version: "v2" },
    headers: [{ label: "stage", header: "x-stage" }],
  });
});

function routeProblems(ref: string, spec: string = SUBSETS): readonly string[] {
  const refs = route("shop", `  rules: [{ backendRefs: [{ name: cart, port: 80, ${ref} }] }]`);
  return problemsOf([gateway(), refs, service("cart"), policy(spec)]).map((line) => line.replace(/^\S+ /, ""));
}

test("compileRouteSubset() names labels that no selector has", () => {
  const field = "HTTPRoute default/shop spec.rules[0].backendRefs[0]";
  const wanted = "the labels of one selector of the Service's TrafficPolicy subsets";
  assert.deepEqual(routeProblems("subset: { version: v1 }"), []);
  assert.deepEqual(routeProblems("subset: { stage: test }"), [
    `${field}.subset: {"stage":"test"} — expected ${wanted}: version, stage + version`,
  ]);
  assert.deepEqual(routeProblems("subsetHeaders: { version: x-version }", "retryBudget: { percentage: 1 }"), [
    `${field}.subsetHeaders: {"version":"x-version"} — expected ${wanted}, which has none`,
  ]);
  assert.deepEqual(routeProblems("subset: { version: v1 }, subsetHeaders: { version: x-version }"), [
    `${field}.subsetHeaders: {"version":"x-version"} — expected other labels than those of subset, which has "version"`,
  ]);
});

function policyProblems(spec: string): readonly string[] {
  return problemsOf([service("cart"), policy(spec)]).map((line) => line.replace(/^.*? spec\./, ""));
}

test("loadResources() names what is wrong with sharding", () => {
  const size = 'a number of hosts from 1 to 100000, a percentage above zero such as "20%", or "auto"';
  const problems = (fields: string): readonly string[] => policyProblems(`sharding: { ${fields} }`);
  for (const wrong of ["0", '"0%"', '"101%"', '"20"', "1.5", '"all"']) {
    assert.deepEqual(problems(`algorithm: balanced, size: ${wrong}`), [`sharding.size: ${wrong} — expected ${size}`]);
  }
  assert.deepEqual(problems("size: 5"), [
    'sharding.algorithm: missing — expected one of "balanced", "consistent-hash", "rendezvous", "deterministic", "none"',
  ]);
  assert.deepEqual(problems("algorithm: none, size: 5"), [
    'sharding.size: 5 — expected no other field beside algorithm "none"',
  ]);
  assert.deepEqual(problems("algorithm: balanced, size: 5, hostsMin: 6, requestsPerConnection: 1"), [
    "sharding.hostsMin: 6 — expected no hostsMin for a fixed size",
    'sharding.requestsPerConnection: 1 — expected no requestsPerConnection unless size is "auto"',
  ]);
  assert.deepEqual(problems("algorithm: balanced, hostsMin: 4, connectionsPerHostMax: 9"), [
    'sharding.hostsMin: 4 — expected at least 5 where size is "auto": with fewer, one host that fails hits hard',
    "sharding.connectionsPerHostMax: 9 — expected clientCount beside it: without, nobody knows how many connections a host has",
  ]);
  assert.deepEqual(problems(`algorithm: balanced, clientIndex: ${CLIENTS_MAX}, clientCount: ${CLIENTS_MAX + 1}`), [
    "sharding.clientIndex: 4294967295 — expected an integer from 0 to 4294967294",
    "sharding.clientCount: 4294967296 — expected an integer from 1 to 4294967295",
  ]);
  assert.deepEqual(problems("algorithm: balanced, clientIndex: 9, clientCount: 9"), [
    "sharding.clientIndex: 9 — expected less than clientCount, 9",
  ]);
  assert.deepEqual(policyProblems("balancing: { algorithm: maglev }\n  sharding: { algorithm: balanced }"), [
    'sharding.algorithm: "balanced" — expected "none" with maglev: a key\'s host would be another one for each proxy',
  ]);
});

test("loadResources() names what is wrong with subsets", () => {
  const problems = (fields: string): readonly string[] => policyProblems(`subsets: { ${fields} }`);
  assert.deepEqual(problems("selectors: [{ keys: [a, a] }, { keys: [b, c] }, { keys: [c, b] }]"), [
    'subsets.selectors[0].keys[1]: "a" — expected a key that is not in this list',
    'subsets.selectors[2].keys: ["c","b"] — expected other keys than those of another selector',
  ]);
  assert.deepEqual(problems("selectors: [{ keys: [a], fallback: default }]"), [
    'subsets.defaultLabels: missing — expected at least one label, because a fallback is "default"',
  ]);
  assert.deepEqual(problems("selectors: [{ keys: [a] }], defaultLabels: { a: b }"), [
    'subsets.defaultLabels: {"a":"b"} — expected no defaultLabels unless a fallback is "default"',
  ]);
  const keys = Array.from({ length: 17 }, (_, index) => `k${index}`).join(", ");
  assert.deepEqual(problems(`selectors: [{ keys: [${keys}] }]`).length, 1);
  assert.deepEqual(problems("selectors: []").length, 1);
  const selectors = (count: number): string =>
    Array.from({ length: count }, (_, index) => `{ keys: [k${index}] }`).join(", ");
  assert.deepEqual(problems(`selectors: [${selectors(SUBSET_SELECTORS_MAX)}]`), []);
  assert.match(problems(`selectors: [${selectors(SUBSET_SELECTORS_MAX + 1)}]`).join(), /a list of 1 to 64 entries/);
  assert.deepEqual(problems("selectors: [{ keys: [a] }], subsetsMax: 4097"), [
    "subsets.subsetsMax: 4097 — expected an integer from 1 to 4096",
  ]);
});

test("loadResources() refuses sharding and subsets in a policy for a route", () => {
  const forRoute = policy("sharding: { algorithm: balanced }").replace(
    "kind: Service, name: cart",
    "kind: HTTPRoute, name: shop",
  );
  assert.deepEqual(
    problemsOf([gateway(), route("shop", BACKEND), service("cart"), forRoute]).map((line) =>
      line.replace(/^.*? spec\./, ""),
    ),
    [
      'sharding: {"algorithm":"balanced"} — expected no such field in a policy for a HTTPRoute: it would have no effect',
    ],
  );
});
