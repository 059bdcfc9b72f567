import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import type { ClusterConfig, RouteRule, World } from "@weft/contract";
import {
  createBackend,
  createCluster,
  createHost,
  createListener,
  createRule,
  createSettings,
  createTestCertificate,
} from "@weft/testkit";
import fc from "fast-check";
import { showWorld } from "./show-world.ts";

const { certificate, key } = createTestCertificate("shop.example");
const RSA_KEY = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export({ type: "pkcs1", format: "pem" });

/** A configuration in which everything that may be there is there. */
function fullWorld(): World {
  const change = {
    set: [
      ["authorization", "Bearer s3cr3t-1"],
      ["x-version", "2"],
    ],
    add: [["x-api-key", "s3cr3t-2"]],
    remove: ["server"],
  } as const;
  const rule: RouteRule = createRule({
    hostnames: ["shop.example"],
    match: {
      path: { type: "prefix", value: "/cart" },
      method: "GET",
      headers: [
        { name: "x-auth-token", type: "exact", value: "s3cr3t-3" },
        { name: "x-version", type: "exact", value: "2" },
      ],
      queryParams: [{ name: "access_token", type: "exact", value: "s3cr3t-4" }],
    },
    backends: [
      createBackend("backend", {
        subset: {
          labels: { "api-token": "s3cr3t-9", version: "v2" },
          headers: [{ label: "stage", header: "x-stage" }],
        },
        requestHeaders: change,
        responseHeaders: change,
      }),
    ],
    redirect: { scheme: "https", hostname: "a", path: { type: "full", value: "/x" }, port: 0, status: 301 },
    directResponse: { status: 200, body: "s3cr3t-5", contentType: "text/plain" },
    requestHeaders: change,
    responseHeaders: change,
    rewrite: { hostname: "b", path: { type: "prefix", value: "/y" } },
    mirrors: [{ cluster: "backend", share: 0.1 }],
    cors: {
      allowOrigins: ["*"],
      allowMethods: ["GET"],
      allowHeaders: ["x"],
      exposeHeaders: ["y"],
      allowCredentials: false,
      maxAgeSeconds: 1,
    },
    fault: { delayShare: 0.1, delayMs: 5, abortShare: 0.2, abortStatus: 503, abortGrpcStatus: 0 },
    colour: { header: "x-colour", value: "blue" },
    retry: {
      retriesMax: 2,
      on: ["5xx"],
      statuses: [],
      grpcStatuses: [],
      backoffBaseMs: 10,
      backoffMaxMs: 100,
      perTryTimeoutMs: 0,
      retriesNonIdempotent: false,
    },
    hashOn: [{ type: "header", name: "x-user" }],
  });
  const cluster: ClusterConfig = createCluster([80], {
    protocol: "http2",
    source: { type: "dns", name: "backend.example", port: 80, ttlMsMin: 1, ttlMsMax: 2 },
    hosts: [createHost(80, { labels: { version: "2", "auth-token": "s3cr3t-6" } })],
    tls: {
      serverName: "backend.example",
      ca: certificate,
      certificateChain: certificate,
      privateKey: key,
      minVersion: "TLSv1.3",
      subjectAltNames: ["spiffe://weft/ns/shop/sa/backend"],
    },
    balancing: {
      policy: { type: "maglev", tableSize: 65_537 },
      zone: { own: "a", spillBelow: 0.7 },
      slowStartMs: 0,
      panicThreshold: 0.5,
    },
    sharding: {
      algorithm: "balanced",
      size: { type: "percent", percent: 20, hostsMin: 3 },
      clientId: "pod-7",
      clientIndex: null,
      clientCount: 9,
    },
    subsets: {
      selectors: [{ keys: ["version"], fallback: { type: "default", labels: { version: "v1" } } }],
      fallback: { type: "any" },
      subsetsMax: 4,
    },
    healthChecks: [
      {
        type: "http",
        target: "/healthz?token=s3cr3t-7",
        authority: "",
        expectedStatuses: [{ from: 200, to: 299 }],
        intervalMs: 1,
        timeoutMs: 1,
        healthyThreshold: 1,
        unhealthyThreshold: 1,
        jitter: 0,
      },
    ],
    outlier: {
      consecutiveErrors: 5,
      intervalMs: 1,
      successRateStdevFactor: 0,
      latencyFactor: 0,
      requestsMin: 1,
      baseEjectionMs: 1,
      maxEjectionMs: 1,
      maxEjectedShare: 0.5,
    },
  });
  return {
    revision: 7,
    settings: createSettings({
      name: "edge",
      accessLog: { target: "stdout", rules: [{ statusMin: 0, durationMsMin: 0, routes: ["r"], sample: 1 }] },
      tracing: { otlpEndpoint: "http://user:s3cr3t-8@collector:4318/v1/traces?api_key=s3cr3t-9", sample: 0.1 },
    }),
    listeners: [
      createListener({
        tls: {
          certificates: [{ name: "shop", certificateChain: certificate, privateKey: key }],
          hosts: [{ hostname: "a.example", certificates: ["shop"] }],
          clientCa: certificate,
          clientCertificate: "required",
          minVersion: "TLSv1.2",
          alpn: ["h2"],
        },
        tcpRoutes: [{ name: "t", serverNames: ["a"], backends: [{ cluster: "backend", weight: 1 }] }],
      }),
    ],
    routeTables: [{ name: "routes", rules: [rule] }],
    clusters: [cluster],
  };
}

/** Every place in `value` that holds a text, as a path of member names. */
function textPaths(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value === "string") return [path];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => textPaths(member, [...path, name]));
}

/** A copy of `value` with the text at `path` replaced. */
function withText(value: unknown, path: readonly string[], text: string): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return text;
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[name] = withText(copy[name], rest, text);
  return copy;
}

test("showWorld() shows names, numbers, certificates and harmless headers", () => {
  const text = JSON.stringify(showWorld(fullWorld()));
  for (const expected of [
    '"revision":7',
    '"subjectAltName":"DNS:shop.example"',
    '["x-version","2"]',
    '{"name":"x-version","type":"exact","value":"2"}',
    '"target":"/healthz?token=***"',
    '"otlpEndpoint":"http://collector:4318/v1/traces?api_key=***"',
    '"bodyChars":8',
    '"retryBudget":0.2',
    '"maxEjectedShare":0.5',
    '"http2StreamsMax":100',
    '"policy":"maglev"',
    '"size":{"type":"percent","percent":20,"hostsMin":3}',
    '"fallback":{"type":"default","labels":{"version":"v1"}}',
    '"headers":[{"label":"stage","header":"x-stage"}]',
  ]) {
    assert.ok(text.includes(expected), expected);
  }
});

test("showWorld() shows no credential and no certificate bytes", () => {
  const text = JSON.stringify(showWorld(fullWorld()));
  assert.doesNotMatch(text, /s3cr3t/);
  assert.doesNotMatch(text, /-----|PRIVATE/);
  for (const line of [...key.split("\n"), ...certificate.split("\n")]) {
    if (line.length > 20) assert.ok(!text.includes(line));
  }
  assert.equal(text.split("(hidden)").length - 1, 12);
});

test("showWorld() shows no key wherever one ended up", () => {
  const world = fullWorld();
  const paths = textPaths(world);
  assert.ok(paths.length > 80, `${paths.length} texts`);
  const pem = RSA_KEY;
  fc.assert(
    fc.property(fc.constantFrom(...paths), fc.constantFrom("", "prefix ", "http://x/?a="), (path, lead) => {
      const text = JSON.stringify(showWorld(withText(world, path, lead + pem) as World));
      for (const line of pem.split("\n")) if (line.length > 10) assert.ok(!text.includes(line), path.join("."));
    }),
    { numRuns: 600 },
  );
});

test("showWorld() shows no field that the contract may get one day", () => {
  const world = fullWorld();
  const spread = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(spread);
    if (typeof value !== "object" || value === null) return value;
    const members = Object.entries(value).map(([name, member]) => [name, spread(member)] as const);
    return { ...Object.fromEntries(members), fieldOfTomorrow: "t0m0rr0w" };
  };
  const labels = { hosts: [createHost(1)] };
  const grown = spread({ ...world, clusters: world.clusters.map((cluster) => ({ ...cluster, ...labels })) }) as World;
  // Labels are free names by nature: the one field where a new name is shown.
  const text = JSON.stringify(showWorld(grown)).replace(/"labels":\{[^}]*\}/g, "");
  assert.doesNotMatch(text, /t0m0rr0w/);
});

test("showWorld() says so when a certificate cannot be read", () => {
  const world = fullWorld();
  const path = ["listeners", "0", "tls", "certificates", "0", "certificateChain"];
  const text = JSON.stringify(showWorld(withText(world, path, "garbage") as World));
  assert.ok(text.includes('"subject":"(unreadable)"'));
});
