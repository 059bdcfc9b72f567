import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { removeOthers } from "./bundle.ts";
import { runCaptured } from "./process.ts";
import { repositoryRoot } from "./sources.ts";

let folder = "";
let bundle = "";

before(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "weft-bundle-")));
  bundle = join(folder, "bundle");
  const { status, output } = await runCaptured(process.execPath, [join(import.meta.dirname, "bundle.ts"), bundle], {});
  assert.equal(status, 0, output);
});

after(() => rmSync(folder, { recursive: true, force: true }));

function run(module: string, ...args: string[]): ReturnType<typeof runCaptured> {
  return runCaptured(process.execPath, [join(bundle, module), ...args], { cwd: "/" });
}

test("a bundle of the command line does what the command line does", async () => {
  const examples = join(repositoryRoot, "examples/routing");
  const source = join(repositoryRoot, "packages/cli/src/main.ts");
  for (const args of [["--help"], ["--version"], ["up", "--help"], ["proxy", "--check", "--config", examples]]) {
    const bundled = await run("packages/cli/src/main.js", ...args);
    const { status, output } = await runCaptured(process.execPath, ["-C", "source", source, ...args], { cwd: "/" });
    assert.deepEqual(bundled, { status, output }, args.join(" "));
  }
});

test("a bundle has every module that is run in a process of its own", () => {
  const entries = readdirSync(join(repositoryRoot, "packages/cli/src"), { recursive: true, encoding: "utf8" });
  const wanted = entries.filter((path) => path.endsWith("-entry.ts"));
  assert.ok(wanted.length >= 6);
  for (const path of wanted) assert.ok(existsSync(join(bundle, "packages/cli/src", path.replace(/ts$/, "js"))), path);
});

test("stack traces of a bundle name files and lines of the source", async () => {
  const { status, output } = await run("packages/cli/src/demo/shop/cart-entry.js", "no JSON");
  assert.equal(status, 1);
  const place = pathToFileURL(join(repositoryRoot, "packages/cli/src/demo/shop/application.ts")).href;
  const source = output.split("\n").find((line) => line.includes("at startApplication"));
  assert.ok(source?.startsWith(`    at startApplication (${place}:`), output);
  assert.doesNotMatch(output.slice(output.indexOf("SyntaxError")), /chunk-/);
});

test("a module of a bundle loads nothing of fetch: built-in modules are asked for what is used alone", async () => {
  const probe = join(folder, "probe.mjs");
  const main = pathToFileURL(join(bundle, "packages/cli/src/main.js")).href;
  writeFileSync(
    probe,
    `process.argv.push("proxy", "--help"); process.on("exit", () => {
      console.log("loaded:", process.moduleLoadList.filter((name) => name.includes("undici")).length);
    }); await import(${JSON.stringify(main)});`,
  );
  const { output } = await runCaptured(process.execPath, [probe], { cwd: "/" });
  assert.match(output, /Usage: weft proxy/);
  assert.match(output, /loaded: 0\n/);
});

test("removeOthers() leaves bundles from which a process runs, those that are being made, and everything else", async () => {
  const parent = join(folder, "others");
  const ended = spawn("true");
  await once(ended, "exit");
  const add = (name: string, users: string | null): void => {
    mkdirSync(join(parent, name), { recursive: true });
    if (users !== null) writeFileSync(join(parent, name, "users"), users);
  };
  add("1-1", null);
  add("2-2", `${ended.pid}\n${process.pid}\n`);
  add("3-3", `${ended.pid}\n`);
  add("4-4", null);
  add("precious", null);
  add(`unfinished-${process.pid}`, null);
  add(`unfinished-${ended.pid}`, null);
  add(`unfinished-${process.ppid}`, null);
  removeOthers(join(parent, "1-1"));
  assert.deepEqual(readdirSync(parent).sort(), ["1-1", "2-2", "precious", `unfinished-${process.ppid}`].sort());
});
