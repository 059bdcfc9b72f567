import assert from "node:assert/strict";
import { test } from "node:test";
import { completeLock, decodePlatform, type Lock, lockProblems, missingOptionals } from "./lock.ts";
import { readText } from "./sources.ts";

const LOCK: Lock = {
  packages: {
    "": {},
    "node_modules/@weft/x": { resolved: "packages/x", link: true },
    "node_modules/tool": {
      version: "1.0.0",
      dev: true,
      resolved: "https://registry.invalid/tool-1.0.0.tgz",
      optionalDependencies: {
        "@tool/linux-x64-musl": "1.0.0",
        "@tool/win32-arm64-msvc": "1.0.0",
        "@tool/here": "1.0.0",
      },
    },
    "node_modules/tool/node_modules/@tool/here": { version: "1.0.0" },
  },
};

test("decodePlatform() reads system, processor and C library", () => {
  assert.deepEqual(decodePlatform("@a/binding-linux-x64-musl"), { os: ["linux"], cpu: ["x64"], libc: ["musl"] });
  assert.deepEqual(decodePlatform("@a/binding-linux-arm-gnueabihf"), { os: ["linux"], cpu: ["arm"], libc: ["glibc"] });
  assert.deepEqual(decodePlatform("@a/binding-win32-x64-msvc"), { os: ["win32"], cpu: ["x64"] });
  assert.deepEqual(decodePlatform("@a/binding-wasm32-wasi"), { cpu: ["wasm32"] });
  assert.equal(decodePlatform("@linux/thing"), undefined);
});

test("lockProblems() names what is missing and what has an address", () => {
  assert.deepEqual(lockProblems(LOCK), [
    "package-lock.json lacks @tool/linux-x64-musl@1.0.0: run `npm run lock`",
    "package-lock.json lacks @tool/win32-arm64-msvc@1.0.0: run `npm run lock`",
    'package-lock.json names a download address for node_modules/tool: remove its "resolved"',
  ]);
});

test("completeLock() repairs all of it and changes nothing else", () => {
  const lock = completeLock(LOCK);
  assert.deepEqual(lockProblems(lock), []);
  assert.deepEqual(missingOptionals(lock), []);
  assert.deepEqual(lock.packages["node_modules/@tool/win32-arm64-msvc"], {
    version: "1.0.0",
    os: ["win32"],
    cpu: ["arm64"],
    dev: true,
    optional: true,
  });
  assert.deepEqual(lock.packages["node_modules/@weft/x"], LOCK.packages["node_modules/@weft/x"]);
  assert.deepEqual(completeLock(lock), lock);
});

test("package-lock.json is complete and free of addresses", () => {
  assert.deepEqual(lockProblems(JSON.parse(readText("package-lock.json")) as Lock), []);
});
