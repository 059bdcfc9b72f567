import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { type ProcessResult, runCaptured } from "./process.ts";
import { runTests, selectTests } from "./test.ts";
import type { RunnerOptions } from "./test-runner.ts";

const PATHS = [
  "packages/kernel/src/ring.test.ts",
  "packages/kernel/src/ring.ts",
  "packages/proxy/src/pool/pool.test.ts",
];

test("selectTests() takes every test file without a pattern", () => {
  assert.deepEqual(selectTests(PATHS), { files: [PATHS[0], PATHS[2]] });
});

test("selectTests() matches paths first", () => {
  assert.deepEqual(selectTests(PATHS, "kernel"), { files: [PATHS[0]] });
});

test("selectTests() takes the pattern for a name when no path matches, and leaves out files that cannot have it", () => {
  const texts = new Map<string, string>([
    ["packages/kernel/src/ring.test.ts", `test("Ring is full", () => {});`],
    ["packages/proxy/src/pool/pool.test.ts", `test("Pool is full", () => {});`],
    ["tools/x.test.ts", "test(`${name} is full`, () => {});"],
  ]);
  const select = (pattern: string): unknown => selectTests([...texts.keys()], pattern, (path) => texts.get(path) ?? "");
  assert.deepEqual(select("Ring is"), { files: [PATHS[0], "tools/x.test.ts"], namePattern: "Ring is" });
  assert.deepEqual(select("^P.*full"), { files: [...texts.keys()], namePattern: "^P.*full" });
});

/** Runs the runner over files of these texts. */
async function runFiles(
  t: TestContext,
  texts: Readonly<Record<string, string>>,
  options: Partial<RunnerOptions> = {},
): Promise<ProcessResult> {
  const folder = mkdtempSync(join(tmpdir(), "weft-runner-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const files = Object.keys(texts).map((name) => join(folder, name));
  for (const [name, text] of Object.entries(texts))
    writeFileSync(join(folder, name), `import { test } from "node:test";\n${text}`);
  const all: RunnerOptions = { files, notes: [], ...options };
  // Not a child of a running test, as far as node's runner can tell.
  const env = { ...process.env };
  delete env["NODE_TEST_CONTEXT"];
  const runner = join(import.meta.dirname, "test-runner.ts");
  return runCaptured(process.execPath, [runner, JSON.stringify(all)], { env });
}

test("the runner succeeds and prints the summary last", async (t) => {
  const { status, output } = await runFiles(t, { "a.test.ts": `test("one", () => {});` });
  assert.equal(status, 0, output);
  assert.match(output, /✔ one[\s\S]*ℹ tests 1\n(?:ℹ .*\n)+$/);
});

test("the runner fails with the failing test's name and still prints the summary last", async (t) => {
  const { status, output } = await runFiles(t, {
    "a.test.ts": `test("broken one", () => { throw new Error("why"); });`,
  });
  assert.equal(status, 1);
  assert.match(output, /failing tests:[\s\S]*broken one[\s\S]*why[\s\S]*ℹ tests 1\n(?:ℹ .*\n)+$/);
});

test("the runner ends a file that hangs in synchronous code, and names it", async (t) => {
  const limits = { testTimeoutMs: 500, fileTimeoutMs: 1000 };
  const { status, output } = await runFiles(t, { "spin.test.ts": `test("spins", () => { for (;;); });` }, limits);
  assert.equal(status, 1);
  assert.match(output, /✖ .*spin\.test\.ts did not end within 1 s and was killed[\s\S]*ℹ tests 1\n(?:ℹ .*\n)+$/);
});

test("the runner names a test that never settles", async (t) => {
  const text = `test("waits forever", () => new Promise((resolve) => void setInterval(() => {}, 99, resolve)));`;
  const { status, output } = await runFiles(t, { "wait.test.ts": text }, { testTimeoutMs: 300, fileTimeoutMs: 1500 });
  assert.equal(status, 1);
  assert.match(output, /✖ waits forever[\s\S]*timed out after 300ms/);
});

test(
  "the runner ends and names processes that a test left behind",
  { skip: process.platform !== "linux" },
  async (t) => {
    const text = `import { spawn } from "node:child_process";
    test("leaves", () => spawn("sleep", ["77"], { stdio: "ignore" }).unref());`;
    const { status, output } = await runFiles(t, { "leave.test.ts": text }, { leftoverGraceMs: 100 });
    assert.equal(status, 1);
    const pid = Number(/a test left a process behind: (\d+) sleep 77/.exec(output)?.[1]);
    assert.ok(pid > 0, output);
    // Gone, or dead and waiting for whoever inherited it.
    const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, "utf8") : "Z";
    assert.match(stat, /^Z$|\) Z /);
  },
);

test("the runner repeats the notes before the summary", async (t) => {
  const { output } = await runFiles(
    t,
    { "a.test.ts": `test("one", () => {});` },
    { notes: ["static checks failed: lint"] },
  );
  assert.match(output, /✖ static checks failed: lint\nℹ tests 1/);
});

test("the runner fails when no test has the wanted name", async (t) => {
  const options = { namePattern: "no such test" };
  const { status, output } = await runFiles(t, { "a.test.ts": `test("one", () => {});` }, options);
  assert.equal(status, 1, output);
  assert.match(output, /✖ no test matches "no such test"/);
});

test("runTests() runs nothing for what is neither a part of a path nor a regular expression", async (t) => {
  const said: string[] = [];
  t.mock.method(console, "error", (line: string) => void said.push(line));
  assert.equal(await runTests("never("), 2);
  assert.match(said.join(), /Cannot run tests: .*"never\(".*Unterminated group/);
});
