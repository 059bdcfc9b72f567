import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DIRECT_RESPONSE_BYTES_MAX, HOST_CHARS_MAX, REGEX_CHARS_MAX, SERVICE_HOSTS_MAX } from "../limits.ts";
import { loadResources } from "./load-resources.ts";
import { renderPath, renderProblem } from "./problems.ts";
import { fileOf, gateway, problemsOf, route, service, worldOf } from "./resources.fixture.ts";

const SHOP = [
  gateway(),
  service("cart"),
  route("shop", "  rules: [{ matches: [{ path: { value: /a } }], backendRefs: [{ name: cart, port: 80 }] }]"),
];

test("loadResources() never throws, whatever the text", () => {
  const { text } = fileOf(...SHOP);
  const cut = fc
    .tuple(fc.nat(text.length), fc.nat(text.length), fc.string({ maxLength: 8 }))
    .map(([from, length, middle]) => text.slice(0, from) + middle + text.slice(from + length));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), cut, cut), (mutated) => {
      const { problems } = loadResources([{ path: "a.yaml", text: mutated }]);
      for (const problem of problems) {
        const line = renderProblem(problem);
        assert.match(line, /^a\.yaml(?::\d+)?: (?:.* — )?expected /s);
        assert.ok(problem.line <= mutated.split("\n").length);
      }
    }),
    { numRuns: 300 },
  );
});

test("loadResources() finds a problem wherever a value is replaced by one of another type", () => {
  const documents = [
    {
      apiVersion: "weft.dev/v1",
      kind: "TrafficPolicy",
      metadata: { name: "p" },
      spec: {
        targetRefs: [{ kind: "Service", name: "cart" }],
        balancing: { algorithm: "peak-ewma", decay: "10s" },
        healthChecks: [{ type: "http", path: "/", expectedStatuses: ["200"], healthyThreshold: 2 }],
      },
    },
    {
      apiVersion: "weft.dev/v1",
      kind: "Service",
      metadata: { name: "cart" },
      spec: { ports: [{ port: 80 }], hosts: [{ address: "10.0.0.1", weight: 1, zone: "a", labels: { a: "b" } }] },
    },
    {
      apiVersion: "weft.dev/v1",
      kind: "ProxyConfig",
      metadata: { name: "me" },
      spec: { zone: "a", outbound: { port: 1, settings: { edge: true, idleTimeout: "1s" } }, tracing: { sample: 1 } },
    },
  ];
  assert.deepEqual(
    loadResources([{ path: "a.json", text: documents.map((each) => JSON.stringify(each)).join("\n---\n") }]).problems,
    [],
  );
  let count = 0;
  for (const document of documents) {
    for (const path of pathsOf(document)) {
      for (const wrong of [null, { a: 1 }, [[]], -3.5, "\u0000"]) {
        const changed = replace(document, path, wrong);
        const { problems } = loadResources([{ path: "a.json", text: JSON.stringify(changed) }]);
        assert.ok(problems.length > 0, `${renderPath(path)} = ${JSON.stringify(wrong)}`);
        count++;
      }
    }
  }
  assert.ok(count > 200);
});

type Path = readonly (string | number)[];

function pathsOf(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== "object" || value === null) return [path];
  const children = Array.isArray(value) ? value.map((child, index) => [index, child] as const) : Object.entries(value);
  return [...(path.length > 0 ? [path] : []), ...children.flatMap(([key, child]) => pathsOf(child, [...path, key]))];
}

function replace(value: unknown, [key, ...rest]: Path, wrong: unknown): unknown {
  if (key === undefined) return wrong;
  if (Array.isArray(value))
    return value.map((child, index) => (index === key ? replace(child, rest, wrong) : (child as unknown)));
  return Object.fromEntries(
    Object.entries(value as object).map(([name, child]) => [name, name === key ? replace(child, rest, wrong) : child]),
  );
}

test("loadResources() bounds regular expressions, which match in linear time", () => {
  const withRegex = (value: string): readonly string[] => [
    ...SHOP.slice(0, 2),
    route(
      "shop",
      `  rules: [{ matches: [{ path: { type: RegularExpression, value: "${value}" } }], backendRefs: [{ name: cart, port: 80 }] }]`,
    ),
  ];
  assert.deepEqual(problemsOf(withRegex("a".repeat(REGEX_CHARS_MAX))), []);
  assert.match(
    problemsOf(withRegex("a".repeat(REGEX_CHARS_MAX + 1))).join(),
    /a regular expression of 1 to 1024 characters$/,
  );
  assert.match(problemsOf(withRegex("(a*)*\\\\1")).join(), /a regular expression in RE2 syntax/);
});

test("loadResources() bounds hosts and direct responses", () => {
  const hosts = (count: number): string =>
    service("cart").replace(
      "[{ address: 10.0.0.1 }]",
      JSON.stringify(Array.from({ length: count }, (_, index) => ({ address: `h${index}` }))),
    );
  assert.deepEqual(problemsOf([hosts(SERVICE_HOSTS_MAX)]), []);
  assert.match(
    problemsOf([hosts(SERVICE_HOSTS_MAX + 1)]).join(),
    /spec\.hosts: .* — expected a list of at most 20000 entries$/,
  );
  const answer = (body: string): readonly string[] =>
    problemsOf([
      `apiVersion: weft.dev/v1\nkind: DirectResponse\nmetadata: { name: a }\nspec: { status: 200, body: "${body}" }`,
    ]);
  assert.deepEqual(answer("ä".repeat(DIRECT_RESPONSE_BYTES_MAX / 2)), []);
  assert.match(answer("ä".repeat(DIRECT_RESPONSE_BYTES_MAX / 2 + 1)).join(), /expected a text of at most 65536 bytes$/);
});

test("compileWorld() routes no names longer than DNS has", () => {
  const name = `${"a".repeat(60)}.`.repeat(4) + "a".repeat(HOST_CHARS_MAX - 4 * 61 - ".default".length);
  const config = "apiVersion: weft.dev/v1\nkind: ProxyConfig\nmetadata: { name: me }\nspec: { outbound: { port: 0 } }";
  const [rule] = worldOf([service(name), config]).routeTables[0]?.rules ?? [];
  assert.deepEqual(rule?.hostnames, [name, `${name}.default`]);
});

test("renderPath() quotes what is not a plain name", () => {
  assert.equal(renderPath(["spec", "rules", 0, "a/b", "x-y", 'q"']), 'spec.rules[0]["a/b"].x-y["q\\""]');
  assert.equal(renderPath([]), "");
});
