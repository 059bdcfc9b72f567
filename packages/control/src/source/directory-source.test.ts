import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { ResourceProblem, World } from "@weft/contract";
import { FakeClock, isWeftError } from "@weft/kernel";
import {
  CERTIFICATE_FILE_BYTES_MAX,
  CERTIFICATE_GRACE_MS,
  FOLDER_DEPTH_MAX,
  RESOURCE_FILES_MAX,
  WATCH_QUIET_MS,
} from "../limits.ts";
import { renderProblem } from "../load/problems.ts";
import { createTestCertificate } from "@weft/testkit";
import { gateway, route, service } from "../load/resources.fixture.ts";
import { type DirectoryOptions, type DirectorySource, watchDirectory } from "./directory-source.ts";
import { loadWorld } from "./load-world.ts";

const BACKEND = (weight: number): string => `  rules: [{ backendRefs: [{ name: cart, port: 80, weight: ${weight} }] }]`;
const SHOP = (weight: number): string => [gateway(), service("cart"), route("shop", BACKEND(weight))].join("\n---\n");

/** A listener with the certificate in a folder: cert.pem, key.pem. */
function httpsOf(keys: string): string {
  const listener =
    "name: https, port: 443, protocol: HTTPS, tls: { certificateRefs: [{ group: weft.dev, kind: Certificate, name: shop }] }";
  const certificate = `apiVersion: weft.dev/v1
kind: Certificate
metadata: { name: shop }
spec: { certificateFile: ${keys}/cert.pem, keyFile: ${keys}/key.pem }`;
  return [gateway([listener]), certificate].join("\n---\n");
}

async function folder(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "weft-source-"));
  context.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

function follow(
  context: TestContext,
  path: string | readonly string[],
  options: DirectoryOptions = {},
): DirectorySource {
  const source = watchDirectory(path, options);
  context.after(() => source.close());
  return source;
}

function weightOf(world: World | null): number | undefined {
  return world?.routeTables[0]?.rules[0]?.backends[0]?.weight;
}

/** Settles when the source runs with this weight. */
function running(source: DirectorySource, weight: number): Promise<World> {
  return new Promise((resolve) => {
    const subscription = source.worlds.subscribe((world) => {
      if (weightOf(world) !== weight) return;
      resolve(world);
      queueMicrotask(() => subscription.unsubscribe());
    });
  });
}

/** Settles when the problems satisfy `accepts`. */
function problems(source: DirectorySource, accepts: (lines: readonly string[]) => boolean): Promise<readonly string[]> {
  return new Promise((resolve) => {
    const subscription = source.onProblem((found: readonly ResourceProblem[]) => {
      const lines = found.map(renderProblem);
      if (!accepts(lines)) return;
      resolve(lines);
      queueMicrotask(() => subscription.unsubscribe());
    });
  });
}

test("watchDirectory() applies what is there, refuses what is wrong, and recovers", async (context) => {
  const path = await folder(context);
  const file = join(path, "shop.yaml");
  await writeFile(file, SHOP(1));
  const source = follow(context, path);
  assert.deepEqual(await source.ready, { isApplied: true, problems: [] });
  const first = source.world;
  assert.equal(weightOf(first), 1);
  assert.equal(first?.revision, 1);

  await writeFile(file, SHOP(2).replace("port: 80, weight", "port: 81, weght"));
  const lines = await problems(source, (found) => found.length > 0);
  assert.deepEqual(lines, [
    `${file}:23: HTTPRoute default/shop spec.rules[0].backendRefs[0].weght: 2 — expected no such field; did you mean "weight"?`,
  ]);
  assert.equal(source.world, first);
  assert.equal((await source.reload()).isApplied, false);
  const { isCurrent, refused, problems: reasons, refusedAtMs, appliedAtMs } = source.reloads();
  assert.deepEqual([isCurrent, refused, reasons.map(renderProblem)], [false, 1, lines]);
  assert.ok(appliedAtMs > 0 && refusedAtMs >= appliedAtMs);

  const next = running(source, 3);
  await writeFile(file, SHOP(3));
  assert.equal((await next).revision, 2);
  assert.deepEqual(source.problems, []);
  const after = source.reloads();
  assert.deepEqual([after.isCurrent, after.applied, after.refused, after.problems], [true, 2, 1, []]);
  assert.equal(after.refusedAtMs, refusedAtMs);
});

test("watchDirectory() counts a first version that is refused, and none as current", async (context) => {
  const path = await folder(context);
  await writeFile(join(path, "shop.yaml"), "kind: Nothing\n");
  const source = follow(context, path);
  await source.ready;
  const { isCurrent, applied, refused, appliedAtMs } = source.reloads();
  assert.deepEqual([isCurrent, applied, refused, appliedAtMs], [false, 0, 1, 0]);
});

test("watchDirectory() tells late listeners the present and ends with close()", async (context) => {
  const path = await folder(context);
  await writeFile(join(path, "shop.yaml"), "kind: Nothing\n");
  const source = follow(context, path);
  await source.ready;
  assert.equal(source.world, null);
  const told: number[] = [];
  source.onProblem((found) => told.push(found.length));
  source.clusters.subscribe(() => told.push(-1));
  assert.deepEqual(told, [1]);
  source.close();
  await assert.rejects(source.reload(), (error) => isWeftError(error, "CONTROL_SOURCE_CLOSED"));
});

test("watchDirectory() reads nested folders and several paths, and passes over what is not meant", async (context) => {
  const path = await folder(context);
  await mkdir(join(path, "routes", "deep"), { recursive: true });
  await mkdir(join(path, ".git"));
  await writeFile(join(path, "gateway.yml"), gateway());
  await writeFile(
    join(path, "routes", "deep", "shop.json"),
    JSON.stringify({
      apiVersion: "weft.dev/v1",
      kind: "Service",
      metadata: { name: "cart" },
      spec: { ports: [{ port: 80 }], hosts: [] },
    }),
  );
  await writeFile(join(path, "routes", "shop.yaml"), route("shop", BACKEND(1)));
  for (const name of [
    ".shop.yaml.swp",
    ".#shop.yaml",
    "shop.yaml~",
    "#shop.yaml#",
    "4913",
    "shop.yaml.tmp",
    ".git/x.yaml",
  ]) {
    await writeFile(join(path, name), "nonsense: [");
  }
  const { world, problems: found } = await loadWorld(path);
  assert.deepEqual(found, []);
  assert.equal(weightOf(world), 1);
  const single = await loadWorld([join(path, "gateway.yml"), join(path, "routes")]);
  assert.deepEqual(single.world, world);
});

test("watchDirectory() follows one file through rename-over and deletion", async (context) => {
  const path = await folder(context);
  const file = join(path, "mesh.yaml");
  await writeFile(file, SHOP(1));
  await writeFile(join(path, "other.yaml"), "nonsense: [");
  const source = follow(context, file, { pollMs: 60_000 });
  assert.equal((await source.ready).isApplied, true);
  const second = running(source, 2);
  await writeFile(join(path, "mesh.yaml.new"), SHOP(2));
  await rename(join(path, "mesh.yaml.new"), file);
  await second;
  const gone = problems(source, (lines) => lines.length > 0);
  await unlink(file);
  assert.deepEqual(await gone, [`${file}: expected a file or folder that can be read (it does not exist)`]);
  assert.equal(weightOf(source.world), 2);
  const third = running(source, 3);
  await writeFile(file, SHOP(3));
  await third;
});

test("watchDirectory() survives the deletion of its folder", async (context) => {
  const root = await folder(context);
  const path = join(root, "conf");
  await mkdir(path);
  await writeFile(join(path, "shop.yaml"), SHOP(1));
  const source = follow(context, path, { pollMs: 100 });
  await source.ready;
  const gone = problems(source, (lines) => lines.some((line) => line.endsWith("(it does not exist)")));
  await rm(path, { recursive: true });
  await gone;
  assert.equal(weightOf(source.world), 1);
  const back = running(source, 2);
  await mkdir(path);
  await writeFile(join(path, "shop.yaml"), SHOP(2));
  await back;
  // And the new folder is watched, not the old one.
  const changed = running(source, 3);
  await writeFile(join(path, "shop.yaml"), SHOP(3));
  await changed;
});

test("watchDirectory() takes an empty folder and an empty file for an accident", async (context) => {
  const path = await folder(context);
  const file = join(path, "shop.yaml");
  await writeFile(file, SHOP(1));
  const source = follow(context, path);
  await source.ready;
  await writeFile(file, "");
  assert.deepEqual((await source.reload()).problems.map(renderProblem), [
    `${file}: expected at least one resource (delete the file to remove what it held)`,
  ]);
  await unlink(file);
  assert.deepEqual((await source.reload()).problems.map(renderProblem), [
    `${path}: expected at least one resource in files *.yaml, *.yml or *.json`,
  ]);
  assert.equal(weightOf(source.world), 1);
});

test("watchDirectory() follows the links by which Kubernetes swaps a volume", async (context) => {
  const path = await folder(context);
  const generation = async (name: string, weight: number): Promise<void> => {
    await mkdir(join(path, name));
    await writeFile(join(path, name, "shop.yaml"), SHOP(weight));
  };
  await generation("..2026_01_01", 1);
  await symlink("..2026_01_01", join(path, "..data"));
  await symlink(join("..data", "shop.yaml"), join(path, "shop.yaml"));
  const source = follow(context, path, { pollMs: 60_000 });
  await source.ready;
  assert.equal(weightOf(source.world), 1);
  const swapped = running(source, 2);
  await generation("..2026_01_02", 2);
  await symlink("..2026_01_02", join(path, "..data_tmp"));
  await rename(join(path, "..data_tmp"), join(path, "..data"));
  await swapped;
});

test("watchDirectory() finds by looking what events do not tell", async (context) => {
  const path = await folder(context);
  const elsewhere = await folder(context);
  await writeFile(join(elsewhere, "real.yaml"), SHOP(1));
  await symlink(join(elsewhere, "real.yaml"), join(path, "shop.yaml"));
  const source = follow(context, path, { pollMs: 20 });
  await source.ready;
  const changed = running(source, 2);
  // The file behind the link is in a folder that nobody watches.
  await writeFile(join(elsewhere, "real.yaml"), SHOP(2));
  await changed;
});

test("watchDirectory() watches certificates with the resources that name them", async (context) => {
  const path = await folder(context);
  const keys = await folder(context);
  const write = async (name: string): Promise<string> => {
    const { certificate, key } = createTestCertificate(name);
    await writeFile(join(keys, "key.pem"), key);
    await writeFile(join(keys, "cert.pem"), certificate);
    return certificate;
  };
  const first = await write("a.example");
  await writeFile(join(path, "all.yaml"), httpsOf(keys));
  const source = follow(context, path, { pollMs: 60_000 });
  await source.ready;
  const chain = (): string | undefined => source.world?.listeners[0]?.tls?.certificates[0]?.certificateChain;
  assert.equal(chain(), first);
  const renewed = new Promise<void>((resolve) => {
    source.worlds.subscribe(() => {
      if (chain() !== first) resolve();
    });
  });
  const second = await write("b.example");
  await renewed;
  assert.equal(chain(), second);
  source.close();
  await writeFile(join(keys, "key.pem"), Buffer.alloc(CERTIFICATE_FILE_BYTES_MAX + 1));
  assert.match(
    (await loadWorld(path)).problems.map(renderProblem).join(),
    /it has 1048577 bytes, at most 1048576 are read/,
  );
});

test("watchDirectory() tells once of a key that does not fit, after a grace, and keeps what ran", async (context) => {
  const path = await folder(context);
  const [old, next] = [createTestCertificate("old.example"), createTestCertificate("new.example")];
  await writeFile(join(path, "cert.pem"), old.certificate);
  await writeFile(join(path, "key.pem"), old.key);
  await writeFile(join(path, "all.yaml"), httpsOf("."));
  const clock = new FakeClock();
  const source = follow(context, path, { clock });
  await source.ready;
  const chain = (): string | undefined => source.world?.listeners[0]?.tls?.certificates[0]?.certificateChain;
  const told: number[] = [];
  source.onProblem((found) => told.push(found.length));
  const reload = async (): Promise<void> => {
    const state = { isOver: false };
    const reloading = source.reload().finally(() => {
      state.isOver = true;
    });
    while (!state.isOver) await clock.advanceAsync(WATCH_QUIET_MS);
    await reloading;
  };
  const startMs = clock.nowMs();
  await writeFile(join(path, "key.pem"), next.key);
  await reload();
  assert.ok(clock.nowMs() - startMs >= CERTIFICATE_GRACE_MS);
  assert.deepEqual([told, source.reloads().refused, chain()], [[1], 1, old.certificate]);
  await reload();
  assert.deepEqual([told, source.reloads().refused], [[1], 1]);
  await writeFile(join(path, "cert.pem"), next.certificate);
  await reload();
  assert.deepEqual([told, source.reloads().applied, chain()], [[1, 0], 2, next.certificate]);
});

test("watchDirectory() waits for a quiet time, but not for ever", async (context) => {
  const path = await folder(context);
  await writeFile(join(path, "shop.yaml"), SHOP(1));
  const clock = new FakeClock();
  const source = follow(context, path, { clock });
  await source.ready;
  assert.equal(weightOf(source.world), 1);
  // No time passes, so nothing is read, whatever events come.
  await writeFile(join(path, "shop.yaml"), SHOP(2));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(weightOf(source.world), 1);
  const applied = running(source, 2);
  await clock.advanceAsync(2000);
  await applied;
});

test("watchDirectory() keeps up with a file that is rewritten again and again", async (context) => {
  const path = await folder(context);
  const file = join(path, "shop.yaml");
  await writeFile(file, SHOP(0));
  const source = follow(context, path);
  await source.ready;
  const seen: number[] = [];
  source.worlds.subscribe((world) => seen.push(weightOf(world) ?? -1));
  const rejected: string[] = [];
  source.onProblem((found) => rejected.push(...found.map(renderProblem)));
  const last = running(source, 200);
  for (let weight = 1; weight <= 200; weight++) {
    // In turn: over itself (a reader may find it empty), and by renaming a finished file.
    if (weight % 2 === 0) {
      await writeFile(join(path, "next"), SHOP(weight));
      await rename(join(path, "next"), file);
    } else await writeFile(file, SHOP(weight));
  }
  await last;
  assert.deepEqual(
    seen,
    [...seen].sort((left, right) => left - right),
  );
  // A half-written file was refused, if it was met, and never applied.
  assert.ok(
    rejected.every((line) => line.startsWith(`${file}: expected at least one resource`)),
    rejected.join("\n"),
  );
  assert.deepEqual(source.problems, []);
});

test("watchDirectory() keeps the identity of what did not change", async (context) => {
  const path = await folder(context);
  await writeFile(join(path, "base.yaml"), [gateway(), service("cart"), service("other")].join("\n---\n"));
  await writeFile(join(path, "shop.yaml"), route("shop", BACKEND(1)));
  await writeFile(join(path, "other.yaml"), route("other", BACKEND(1).replace("cart", "other")));
  const source = follow(context, path);
  await source.ready;
  const before = source.world;
  await writeFile(join(path, "shop.yaml"), `# only a comment\n${route("shop", BACKEND(1))}`);
  await source.reload();
  assert.equal(source.world, before);
  await writeFile(join(path, "shop.yaml"), route("shop", BACKEND(2)));
  await source.reload();
  const after = source.world;
  assert.equal(after?.revision, 2);
  assert.equal(after?.clusters, before?.clusters);
  assert.equal(after?.listeners, before?.listeners);
  assert.equal(after?.settings, before?.settings);
  assert.notEqual(after?.routeTables[0], before?.routeTables[0]);
  assert.equal(after?.routeTables[0]?.rules[0], before?.routeTables[0]?.rules[0]);
  assert.notEqual(after?.routeTables[0]?.rules[1], before?.routeTables[0]?.rules[1]);
});

test("watchDirectory() names folders and files that it cannot use", async (context) => {
  const path = await folder(context);
  await writeFile(join(path, "bad.yaml"), Buffer.from([0xff, 0xfe, 0x00]));
  await writeFile(join(path, "shop.yaml"), SHOP(1));
  assert.deepEqual((await loadWorld(path)).problems.map(renderProblem), [
    `${path}/bad.yaml: expected a file that can be read (it is not UTF-8)`,
  ]);
  await unlink(join(path, "bad.yaml"));
  let deep = path;
  for (let depth = 0; depth <= FOLDER_DEPTH_MAX; depth++) deep = join(deep, "d");
  await mkdir(deep, { recursive: true });
  assert.deepEqual((await loadWorld(path)).problems.map(renderProblem), [
    `${deep}: expected at most ${FOLDER_DEPTH_MAX} folders one within the other`,
  ]);
  await rm(join(path, "d"), { recursive: true });
  await symlink(path, join(path, "loop"));
  assert.deepEqual((await loadWorld(path)).problems, []);
  for (const name of ["dangling.yaml", "dangling"]) {
    await symlink("nowhere", join(path, name));
    assert.deepEqual((await loadWorld(path)).problems.map(renderProblem), [
      `${path}/${name}: expected a link that leads to a file or folder (nowhere does not exist; delete the link to remove what was there)`,
    ]);
    await unlink(join(path, name));
  }
  // Hidden ones, and links to files that are no resources, are passed over as other such files are.
  await symlink("nowhere", join(path, ".#shop.yaml"));
  await writeFile(join(path, "notes.txt"), "nothing");
  await symlink("notes.txt", join(path, "notes"));
  assert.deepEqual((await loadWorld(path)).problems, []);
  await chmod(join(path, "shop.yaml"), 0o000);
  const { problems: denied } = await loadWorld(path);
  // Root reads everything.
  if (process.getuid?.() !== 0) assert.match(denied.map(renderProblem).join(), /permission denied/);
});

test("watchDirectory() reads a bounded number of files", async (context) => {
  const path = await folder(context);
  for (let index = 0; index <= RESOURCE_FILES_MAX; index++)
    await writeFile(join(path, `${String(index).padStart(5, "0")}.yaml`), "# nothing\n");
  assert.deepEqual((await loadWorld(path)).problems.map(renderProblem), [
    `${path}/0${RESOURCE_FILES_MAX}.yaml: expected at most ${RESOURCE_FILES_MAX} resource files`,
  ]);
});
