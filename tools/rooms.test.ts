import assert from "node:assert/strict";
import { test } from "node:test";
import { checkRooms, type Manifest, type RoomLaw, readLaw, readRepository, renderGraph } from "./rooms.ts";
import { type Finding, parseSource, readSources, renderFinding } from "./sources.ts";

const LAW: RoomLaw = {
  rooms: {
    kernel: { job: "bytes", doors: ["."], mayImport: [], npm: false },
    contract: { job: "nouns", doors: ["."], mayImport: ["kernel"] },
    proxy: {
      job: "requests",
      doors: ["."],
      mayImport: ["kernel", "contract"],
      stations: ["router", "cluster", "pool"],
    },
    console: { job: "page", doors: [], mayImport: [], mayImportTypes: ["contract"] },
    gateway: { job: "border", doors: ["."], mayImport: ["proxy"], planned: true },
    cli: { job: "wiring", doors: [], mayImport: ["kernel", "contract", "proxy"], env: true },
    testkit: { job: "tests", doors: ["."], mayImport: ["kernel"], testOnly: true, env: true },
  },
};

const DOOR = { ".": { source: "./src/index.ts" } };

/** The files of a repository that keeps every law; each test adds what breaks one. */
const LAWFUL: Readonly<Record<string, string>> = {
  "packages/kernel/src/index.ts": `export const A = 1;`,
  "packages/contract/src/index.ts": `import type { A } from "@weft/kernel"; export type B = typeof A;`,
  "packages/proxy/src/index.ts": `import { A } from "@weft/kernel"; import type { B } from "@weft/contract"; export const C: B = A;`,
  "packages/testkit/src/index.ts": `import { A } from "@weft/kernel"; export const D = A;`,
  "packages/console/src/page.ts": `import type { B } from "@weft/contract"; export type E = B;`,
  "packages/cli/src/main.ts": `import { C } from "@weft/proxy"; import { join } from "node:path"; join(String(C), process.env.HOME);`,
};

const MANIFESTS: Readonly<Record<string, Manifest>> = {
  "": { devDependencies: { "fast-check": "1" } },
  kernel: { exports: DOOR },
  contract: { exports: DOOR, dependencies: { "@weft/kernel": "1" } },
  proxy: { exports: DOOR, dependencies: { "@weft/kernel": "1", "@weft/contract": "1" } },
  console: { dependencies: { "@weft/contract": "1" } },
  gateway: { exports: DOOR, dependencies: { "@weft/proxy": "1" } },
  cli: { dependencies: { "@weft/proxy": "1" } },
  testkit: { exports: DOOR, dependencies: { "@weft/kernel": "1" } },
};

function check(files: Readonly<Record<string, string>>, manifests: Readonly<Record<string, Manifest>> = {}): Finding[] {
  return checkRooms({
    law: LAW,
    files: Object.entries({ ...LAWFUL, ...files }).map(([path, text]) => parseSource(path, text)),
    manifests: new Map(Object.entries({ ...MANIFESTS, ...manifests })),
  });
}

/** Every finding as `rule path:line`. */
function rulesOf(findings: readonly Finding[]): string[] {
  return findings.map(({ rule, path, line }) => `${rule} ${path}:${line}`);
}

test("checkRooms() accepts a lawful repository", () => {
  assert.deepEqual(check({}).map(renderFinding), []);
});

const VIOLATIONS: readonly (readonly [law: string, path: string, text: string, expected: string])[] = [
  [
    "a static import against the direction",
    "packages/contract/src/x.ts",
    `import { C } from "@weft/proxy"; C;`,
    "rooms/door",
  ],
  [
    "a type import against the direction",
    "packages/contract/src/x.ts",
    `import type { C } from "@weft/proxy";`,
    "rooms/door",
  ],
  [
    "an import type against the direction",
    "packages/contract/src/x.ts",
    `type X = import("@weft/proxy").C;`,
    "rooms/door",
  ],
  [
    "a dynamic import against the direction",
    "packages/contract/src/x.ts",
    `await import("@weft/proxy");`,
    "rooms/door",
  ],
  ["a re-export against the direction", "packages/contract/src/x.ts", `export { C } from "@weft/proxy";`, "rooms/door"],
  [
    "a star re-export against the direction",
    "packages/contract/src/x.ts",
    `export * from "@weft/proxy";`,
    "rooms/door",
  ],
  ["an import past the doors", "packages/proxy/src/x.ts", `import "@weft/kernel/src/a.ts";`, "rooms/door"],
  ["a door of no room", "packages/proxy/src/x.ts", `import "@weft/nothing";`, "rooms/door"],
  ["a relative import of another room", "packages/proxy/src/x.ts", `import "../../kernel/src/index.ts";`, "rooms/deep"],
  [
    "a room's import of a repository script",
    "packages/proxy/src/x.ts",
    `import "../../../tools/rooms.ts";`,
    "rooms/deep",
  ],
  [
    "a value where only types are allowed",
    "packages/console/src/x.ts",
    `import { B } from "@weft/contract"; B;`,
    "rooms/door",
  ],
  ["a package in the kernel", "packages/kernel/src/x.ts", `import "yaml";`, "rooms/npm"],
  ["the testkit in what ships", "packages/proxy/src/x.ts", `import "@weft/testkit";`, "rooms/door"],
  ["an import of what does not exist", "packages/proxy/src/x.ts", `import "./gone.ts";`, "rooms/missing"],
  ["process.env outside of cli", "packages/proxy/src/x.ts", `export const x = process.env.X;`, "rooms/env"],
  ['process["env"] outside of cli', "packages/proxy/src/x.ts", `export const x = process["env"];`, "rooms/env"],
  ["env taken from process", "packages/proxy/src/x.ts", `const { env } = process; env;`, "rooms/env"],
  [
    "env imported from node:process",
    "packages/proxy/src/x.ts",
    `import { env } from "node:process"; env;`,
    "rooms/env",
  ],
  ["a room's own door from inside", "packages/proxy/src/x.ts", `import "@weft/proxy";`, "rooms/door"],
];

for (const [law, path, text, expected] of VIOLATIONS) {
  test(`checkRooms() finds ${law}`, () => {
    assert.ok(
      rulesOf(check({ [path]: text })).includes(`${expected} ${path}:1`),
      rulesOf(check({ [path]: text })).join("\n"),
    );
  });
}

test("checkRooms() lets tests, benches and fuzz tests import the testkit and root devDependencies", () => {
  const text = `import "@weft/testkit"; import "fast-check"; import "@weft/proxy"; process.env.X;`;
  for (const kind of ["test", "bench", "fuzz", "golden"]) {
    assert.deepEqual(check({ [`packages/proxy/src/x.${kind}.ts`]: text }).map(renderFinding), []);
  }
});

test("checkRooms() holds tests to the direction of their room", () => {
  const path = "packages/contract/src/x.test.ts";
  assert.deepEqual(rulesOf(check({ [path]: `import "@weft/proxy";` })), [
    "rooms/manifest packages/contract/package.json:1",
    `rooms/door ${path}:1`,
  ]);
});

test("checkRooms() finds a cycle and shows its shortest way", () => {
  const findings = check({
    "packages/proxy/src/a.ts": `import "./b.ts"; import "./c.ts";`,
    "packages/proxy/src/b.ts": `import "./c.ts";`,
    "packages/proxy/src/c.ts": `import "./a.ts";`,
  });
  assert.deepEqual(findings.map(renderFinding), [
    "packages/proxy/src/a.ts:1 imports itself: packages/proxy/src/a.ts -> packages/proxy/src/c.ts -> packages/proxy/src/a.ts [rooms/cycle]",
  ]);
});

test("checkRooms() finds a cycle of type imports, and each of two cycles", () => {
  const findings = check({
    "packages/proxy/src/a.ts": `import type { B } from "./b.ts"; export type A = B;`,
    "packages/proxy/src/b.ts": `export type B = import("./a.ts").A;`,
    "packages/proxy/src/self.ts": `import "./self.ts";`,
  });
  assert.deepEqual(rulesOf(findings), [
    "rooms/cycle packages/proxy/src/a.ts:1",
    "rooms/cycle packages/proxy/src/self.ts:1",
  ]);
});

test("checkRooms() finds a cycle through a door", () => {
  const findings = check({
    "packages/kernel/src/index.ts": `import type { B } from "@weft/contract"; export type A = B;`,
  });
  assert.ok(rulesOf(findings).some((rule) => rule.startsWith("rooms/cycle")));
});

test("checkRooms() finds a station that imports an earlier one, and allows a later one", () => {
  const files = {
    "packages/proxy/src/router/r.ts": `import "../pool/p.ts";`,
    "packages/proxy/src/pool/p.ts": `export const x = 1;`,
    "packages/proxy/src/cluster/c.ts": `import type { x } from "../router/r.ts";`,
  };
  assert.deepEqual(rulesOf(check(files)), ["rooms/station packages/proxy/src/cluster/c.ts:1"]);
});

test("checkRooms() finds an import that package.json does not declare", () => {
  const findings = check({ "packages/proxy/src/x.ts": `import "yaml";` });
  assert.deepEqual(findings.map(renderFinding), [
    "packages/proxy/package.json:1 yaml is imported but not in dependencies [rooms/manifest]",
  ]);
});

test("checkRooms() does not take a devDependency for one of what ships", () => {
  const manifest = { ...MANIFESTS["proxy"], devDependencies: { yaml: "1" } };
  const findings = check({ "packages/proxy/src/x.ts": `import "yaml";` }, { proxy: manifest });
  assert.deepEqual(rulesOf(findings), ["rooms/manifest packages/proxy/package.json:1"]);
});

test("checkRooms() finds dependencies that nothing imports", () => {
  const manifest = { exports: DOOR, dependencies: { yaml: "1" }, devDependencies: { zod: "1" } };
  assert.deepEqual(
    check({}, { kernel: manifest }).map(({ message }) => message),
    ["yaml is in dependencies but nothing that ships imports it", "zod is in devDependencies but nothing imports it"],
  );
});

test("checkRooms() takes types for used when what they describe is imported", () => {
  const manifest = {
    ...MANIFESTS["proxy"],
    devDependencies: { "@types/ws": "1", "@types/a__b": "1", "@types/idle": "1" },
  };
  const findings = check(
    { "packages/proxy/src/x.test.ts": `import "ws"; import "@a/b";` },
    { proxy: manifest, "": { devDependencies: { ws: "1", "@a/b": "1" } } },
  );
  assert.deepEqual(
    findings.map(({ message }) => message),
    ["@types/idle is in devDependencies but nothing imports it"],
  );
});

test("checkRooms() finds doors that differ from the table", () => {
  const manifest = { exports: { "./x": { source: "./src/x.ts" } } };
  assert.deepEqual(
    check(
      { "packages/contract/src/index.ts": "", "packages/proxy/src/index.ts": "", "packages/testkit/src/index.ts": "" },
      {
        kernel: manifest,
        contract: { exports: DOOR },
        proxy: { exports: DOOR },
        testkit: { exports: DOOR },
        cli: { dependencies: { "@weft/proxy": "1" } },
      },
    ).map(({ message }) => message),
    ['kernel has no export "." with a "source" condition', 'the export "./x" is no door of kernel in rooms.json'],
  );
});

test("checkRooms() finds a door that leads nowhere", () => {
  const manifest = { exports: { ".": { source: "./src/gone.ts" } } };
  assert.ok(check({}, { testkit: manifest }).some(({ message }) => message.includes("does not exist")));
});

test("checkRooms() wants the mark of a planned room removed with its first file", () => {
  assert.deepEqual(rulesOf(check({ "packages/gateway/src/index.ts": "export const x = 1;" })), [
    "rooms/planned packages/gateway/package.json:1",
  ]);
});

test("checkRooms() finds a folder that is in no row of the table", () => {
  assert.deepEqual(rulesOf(check({ "packages/other/src/x.ts": "" })), ["rooms/table packages/other/src/x.ts:1"]);
});

test("renderGraph() leaves out edges that follow from others and marks planned rooms", () => {
  const graph = renderGraph(LAW);
  assert.match(graph, /^ {2}contract --> kernel$/m);
  assert.match(graph, /^ {2}proxy --> contract$/m);
  assert.doesNotMatch(graph, /proxy --> kernel/);
  assert.match(graph, /gateway\[gateway, planned\]/);
  assert.match(graph, /^\| console \| - \| contract \(types\) \| page \|$/m);
});

test("rooms.json names every folder of packages and gives each room a job", () => {
  const { manifests, law } = readRepository([]);
  assert.deepEqual([...manifests.keys()].filter((name) => name !== "").sort(), Object.keys(law.rooms).sort());
  for (const { job } of Object.values(readLaw().rooms)) assert.ok(job.length > 10);
});

test("the repository keeps the room law", () => {
  assert.deepEqual(checkRooms(readRepository(readSources())).map(renderFinding), []);
});
