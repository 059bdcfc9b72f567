import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { HttpRouteMatch, HttpRouteResource, Resource } from "@weft/contract";
import { isWeftError } from "@weft/kernel";
import fc from "fast-check";
import { HOST_REGEXES_MAX, RULE_HASH_KEYS_MAX, RULE_HOSTNAMES_MAX, TABLE_RULES_MAX } from "../limits.ts";
import type { ResourceFile } from "../load/documents.ts";
import type { LoadedResource } from "../load/finding.ts";
import { loadResources } from "../load/load-resources.ts";
import { renderProblem } from "../load/problems.ts";
import { fileOf, gateway, route, service } from "../load/resources.fixture.ts";
import { namespaceOf } from "../load/validate.ts";
import { compileResources, compileWorld, type ResourceSet } from "./compile-world.ts";
import { WORLD_DEFAULTS } from "./defaults.ts";

const EXAMPLES = join(import.meta.dirname, "../../../../examples");
/** Its certificates are made by a script; the command line's tests do that. */
const WITH_CERTIFICATES = "https";

/** The files of each example. */
function examples(): readonly (readonly ResourceFile[])[] {
  const folders = readdirSync(EXAMPLES, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.flatMap(({ name: folder }) =>
    folder === WITH_CERTIFICATES ? [] : [readExample(join(EXAMPLES, folder))],
  );
}

function readExample(folder: string): readonly ResourceFile[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".yaml"))
    .map((path) => ({ path, text: readFileSync(join(folder, path), "utf8") }));
}

test("compileWorld() takes every example", () => {
  const all = examples();
  assert.ok(all.length >= 7);
  for (const files of all) {
    const { resources, problems } = loadResources(files);
    assert.deepEqual(problems.map(renderProblem), []);
    const world = compileWorld(resources, WORLD_DEFAULTS, 3);
    assert.ok(world.listeners.length > 0, files[0]?.path ?? "");
    assert.equal(world.revision, 3);
    // Workers receive it as JSON.
    assert.deepEqual(JSON.parse(JSON.stringify(world)), world);
    const clusters = new Set(world.clusters.map(({ name }) => name));
    for (const { rules } of world.routeTables) {
      for (const { backends, mirrors } of rules) {
        for (const { cluster } of [...backends, ...mirrors]) assert.ok(clusters.has(cluster), cluster);
      }
    }
  }
});

test("compileWorld() depends on the documents, not on their order or their files", () => {
  const documents = [
    gateway([
      "name: any, port: 80, protocol: HTTP",
      'name: own, port: 80, protocol: HTTP, hostname: "*.example"',
      "name: tcp, port: 81, protocol: TCP",
    ]),
    gateway(["name: b, port: 82, protocol: HTTP"]).replace("name: web", "name: two"),
    service("cart"),
    service("next").replace("10.0.0.1 }", "10.0.0.9 }, { address: 10.0.0.2 }"),
    service("db", "  protocol: tcp"),
    route("a", "  hostnames: [x.example, y.test]\n  rules: [{ backendRefs: [{ name: cart, port: 80 }] }]"),
    route("b", "  rules: [{ backendRefs: [{ name: next, port: 80 }] }]", ', creationTimestamp: "2026-01-01T00:00:00Z"'),
    route(
      "c",
      "  rules: [{ filters: [{ type: ExtensionRef, extensionRef: { group: weft.dev, kind: Colour, name: red } }], backendRefs: [{ name: next, port: 80 }] }]",
    ),
    "apiVersion: weft.dev/v1\nkind: Colour\nmetadata: { name: red }\nspec: { value: red }",
    "apiVersion: gateway.networking.k8s.io/v1\nkind: TCPRoute\nmetadata: { name: db }\nspec: { parentRefs: [{ name: web, sectionName: tcp }], rules: [{ backendRefs: [{ name: db }] }] }",
    "apiVersion: weft.dev/v1\nkind: TrafficPolicy\nmetadata: { name: p }\nspec: { targetRefs: [{ kind: Service, name: next }], balancing: { algorithm: random } }",
    "apiVersion: weft.dev/v1\nkind: ProxyConfig\nmetadata: { name: me }\nspec: { outbound: { port: 15001 } }",
  ];
  const compile = (files: readonly ResourceFile[]): unknown => {
    const { resources, problems } = loadResources(files);
    assert.deepEqual(problems.map(renderProblem), []);
    return compileWorld(resources, WORLD_DEFAULTS, 1);
  };
  const expected = compile([fileOf(...documents)]);
  const shuffled = fc.shuffledSubarray(documents, { minLength: documents.length });
  fc.assert(
    fc.property(shuffled, fc.integer({ min: 1, max: documents.length }), (order, size) => {
      const files: ResourceFile[] = [];
      for (let start = 0; start < order.length; start += size) {
        files.push({ path: `${files.length}.yaml`, text: order.slice(start, start + size).join("\n---\n") });
      }
      assert.deepEqual(compile(files), expected);
    }),
    { numRuns: 40 },
  );
});

test("compileWorld() refuses sets with problems", () => {
  const { resources } = loadResources([
    fileOf(gateway(), route("a", "  rules: [{ backendRefs: [{ name: cart, port: 80 }] }]")),
  ]);
  assert.throws(
    () => compileWorld(resources, WORLD_DEFAULTS, 1),
    (error) =>
      isWeftError(error, "CONTROL_INVALID_RESOURCES") && /HTTPRoute default\/a spec\.rules\[0\]/.test(error.message),
  );
});

/** Resources that did not pass a schema, whose limits would come first. */
function setOf(...resources: readonly Resource[]): ResourceSet {
  const loaded = resources.map((resource): LoadedResource => {
    const { kind, metadata } = resource;
    return {
      resource,
      source: { file: "a.yaml", document: 0, kind, namespace: namespaceOf(resource), name: metadata.name },
    };
  });
  return {
    resources: [...loadResources([fileOf(gateway(), service("cart"))]).resources.resources, ...loaded],
    attachments: new Map(),
  };
}

function httpRoute(matches: readonly HttpRouteMatch[], hostnames?: readonly string[]): HttpRouteResource {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: "big" },
    spec: {
      parentRefs: [{ name: "web" }],
      rules: [{ matches, backendRefs: [{ name: "cart", port: 80 }] }],
      ...(hostnames === undefined ? {} : { hostnames }),
    },
  };
}

test("compileResources() keeps the router's limits", () => {
  const findings = (set: ResourceSet): readonly string[] =>
    compileResources(set).findings.map(({ expected }) => expected);
  const match: HttpRouteMatch = { method: "GET" };
  const regex: HttpRouteMatch = { path: { type: "RegularExpression", value: "/a" } };
  const many = <T>(item: T, count: number): readonly T[] => Array.from({ length: count }, () => item);
  assert.deepEqual(findings(setOf(httpRoute(many(match, TABLE_RULES_MAX)))), []);
  assert.deepEqual(findings(setOf(httpRoute(many(match, TABLE_RULES_MAX + 1)))), [
    `routes of at most ${TABLE_RULES_MAX} matches on one port`,
  ]);
  assert.deepEqual(findings(setOf(httpRoute(many(regex, HOST_REGEXES_MAX)))), []);
  assert.deepEqual(findings(setOf(httpRoute(many(regex, HOST_REGEXES_MAX + 1)))), [
    `at most ${HOST_REGEXES_MAX} matches by regular expression for host "*"`,
  ]);
  const hostnames = Array.from({ length: RULE_HOSTNAMES_MAX + 1 }, (_, index) => `h${index}.example`);
  const { world } = compileResources(setOf(httpRoute([match], hostnames)));
  assert.deepEqual(
    world.routeTables[0]?.rules.map((rule) => rule.hostnames.length),
    [RULE_HOSTNAMES_MAX, 1],
  );
  const hashOn = Array.from({ length: RULE_HASH_KEYS_MAX + 1 }, (_, index) => ({
    type: "query" as const,
    name: `q${index}`,
  }));
  const policy: Resource = {
    apiVersion: "weft.dev/v1",
    kind: "TrafficPolicy",
    metadata: { name: "hash" },
    spec: { targetRefs: [{ kind: "HTTPRoute", name: "big" }], balancing: { hashOn } },
  };
  const hashed = compileResources(setOf(httpRoute([match]), policy)).world.routeTables[0]?.rules[0]?.hashOn;
  assert.equal(hashed?.length, RULE_HASH_KEYS_MAX);
});
