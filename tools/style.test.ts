import assert from "node:assert/strict";
import { test } from "node:test";
import { type Repository, readRepository } from "./rooms.ts";
import { parseSource, readSources, renderFinding } from "./sources.ts";
import { checkStyle, measureDocumentation } from "./style.ts";

function repositoryOf(files: Readonly<Record<string, string>>): Repository {
  const manifest = { exports: { ".": { source: "./src/index.ts" } } };
  return {
    law: { rooms: { proxy: { job: "requests", doors: ["."], mayImport: [] } } },
    files: Object.entries(files).map(([path, text]) => parseSource(path, text)),
    manifests: new Map([["proxy", manifest]]),
  };
}

/** Every finding as `rule path:line`. */
function check(files: Readonly<Record<string, string>>): string[] {
  return checkStyle(repositoryOf(files)).map(({ rule, path, line }) => `${rule} ${path}:${line}`);
}

const VIOLATIONS: readonly (readonly [rule: string, path: string, text: string, expected: string])[] = [
  ["a file named utils", "packages/proxy/src/utils.ts", "", "style/file-name packages/proxy/src/utils.ts:1"],
  ["a test of a file named helpers", "tools/helpers.test.ts", "", "style/file-name tools/helpers.test.ts:1"],
  ["a file named types", "packages/proxy/src/types.ts", "", "style/file-name packages/proxy/src/types.ts:1"],
  ["a class with Impl", "packages/proxy/src/x.ts", "\nclass PoolImpl {}", "style/name packages/proxy/src/x.ts:2"],
  ["a type with Impl", "packages/proxy/src/x.ts", "type PoolImpl = 1;", "style/name packages/proxy/src/x.ts:1"],
  [
    "an interface with I",
    "packages/proxy/src/x.ts",
    "export interface IPool {}",
    "style/name packages/proxy/src/x.ts:1",
  ],
  [
    "a star export of a door",
    "packages/proxy/src/index.ts",
    `export * from "./x.ts";`,
    "style/index packages/proxy/src/index.ts:1",
  ],
  [
    "a named star export of a door",
    "packages/proxy/src/index.ts",
    `export * as x from "./x.ts";`,
    "style/index packages/proxy/src/index.ts:1",
  ],
  [
    "an open end in a line comment",
    "packages/proxy/src/x.ts",
    "\n// TODO later",
    "style/open-end packages/proxy/src/x.ts:2",
  ],
  [
    "an open end in a block comment",
    "packages/proxy/src/x.ts",
    "/* FIXME */",
    "style/open-end packages/proxy/src/x.ts:1",
  ],
  [
    "a sleep in a test",
    "packages/proxy/src/x.test.ts",
    "setTimeout(() => {}, 5);",
    "style/sleep packages/proxy/src/x.test.ts:1",
  ],
  [
    "a sleep under another name",
    "packages/proxy/src/x.test.ts",
    `import { setTimeout as sleep } from "node:timers/promises";\nawait sleep(5);`,
    "style/sleep packages/proxy/src/x.test.ts:2",
  ],
  [
    "a sleep of a timers module",
    "packages/proxy/src/x.test.ts",
    `import * as t from "node:timers/promises";\nawait t.setTimeout(5);`,
    "style/sleep packages/proxy/src/x.test.ts:2",
  ],
  ["a codec that lacks files", "packages/codec/src/bolt/frame.ts", "", "style/codec packages/codec/src/bolt:1"],
  [
    "a door without docstrings",
    "packages/proxy/src/index.ts",
    `export const a = 1; export const b = 2;`,
    "style/docstring packages/proxy:1",
  ],
];

for (const [rule, path, text, expected] of VIOLATIONS) {
  test(`checkStyle() finds ${rule}`, () => {
    assert.deepEqual(check({ [path]: text }), [expected]);
  });
}

test("checkStyle() allows what only looks alike", () => {
  const files = {
    "packages/proxy/src/x.ts": `const t = "TODO"; interface Idle {} interface IOVector {} class Implicit {} setTimeout(() => {}, 5); t;`,
    "packages/proxy/src/x.test.ts": `clock.setTimeout(() => {}, 5);\nsetTimeout(f, 1); // waits: for the kernel's own timer\n// waits: again\nsetTimeout(\nf, 1);`,
  };
  assert.deepEqual(check(files), []);
});

test("checkStyle() accepts a codec that has what its siblings have", () => {
  const names = ["decode", "encode", "frame", "heartbeat", "index", "limits", "status", "extra"];
  assert.deepEqual(check(Object.fromEntries(names.map((name) => [`packages/codec/src/bolt/${name}.ts`, ""]))), []);
});

test("measureDocumentation() follows re-exports to the declaration", () => {
  const files = {
    "packages/proxy/src/index.ts": [
      `export { a, b as c } from "./x.ts";`,
      `export type { T } from "./x.ts";`,
      `import { d } from "./x.ts";`,
      `export { d };`,
      `/** Said here. */ export function f(): void {}`,
      `export { g } from "./x.ts";`,
    ].join("\n"),
    "packages/proxy/src/x.ts": [
      `/** One. */ export const a = 1;`,
      `/** Two. */\n// oxlint-disable-next-line\nexport const b = 1;`,
      `/** Type. */ export interface T {}`,
      `/** Three. */ const d = 1; export { d };`,
      `/** Of nothing. */\n\nconst between = 1;\nexport function g(): void { between; }`,
    ].join("\n"),
  };
  const [room] = measureDocumentation(repositoryOf(files));
  assert.deepEqual(room?.undocumented, ["g"]);
  assert.equal(room?.exported, 6);
});

test("the repository keeps the rules of style", () => {
  assert.deepEqual(checkStyle(readRepository(readSources())).map(renderFinding), []);
});
