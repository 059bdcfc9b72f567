import assert from "node:assert/strict";
import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setImmediate } from "node:timers/promises";
import { FakeClock } from "@weft/kernel";
import { WORLD_DEFAULTS } from "../compile/defaults.ts";
import { CERTIFICATE_GRACE_MS, CERTIFICATE_GRACE_STEP_MS, WATCH_QUIET_MS } from "../limits.ts";
import { renderProblem } from "../load/problems.ts";
import { gateway, service } from "../load/resources.fixture.ts";
import { FolderReader } from "./folder-reader.ts";
import { ResourceReader, type ResourceReading } from "./resource-reader.ts";

async function folder(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "weft-links-"));
  context.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Reads a folder on a clock that moves on only while the reader waits for it. */
class Reading {
  readonly clock: FakeClock = new FakeClock();
  readonly #reader: ResourceReader;
  #previous: ResourceReading | null = null;

  constructor(path: string) {
    this.#reader = new ResourceReader(new FolderReader([path], this.clock), WORLD_DEFAULTS, this.clock);
  }

  /** `afterMs` of waiting, `act` is done. */
  async read(afterMs: number = 0, act: () => Promise<void> = () => Promise.resolve()): Promise<ResourceReading> {
    const state = { isOver: false };
    const reading = this.#reader.read(1, this.#previous).finally(() => {
      state.isOver = true;
    });
    const startMs = this.clock.nowMs();
    let isDone = false;
    while (!state.isOver) {
      if (this.clock.pendingTimers === 0) await setImmediate();
      else if (isDone || this.clock.nowMs() - startMs < afterMs) await this.clock.advanceAsync(WATCH_QUIET_MS);
      else {
        isDone = true;
        await act();
      }
    }
    this.#previous = await reading;
    return reading;
  }

  /** The problems of the next reading, and how long it waited. */
  async problems(): Promise<{ readonly lines: readonly string[]; readonly waitedMs: number }> {
    const startMs = this.clock.nowMs();
    const { problems } = await this.read();
    return { lines: problems.map(renderProblem), waitedMs: this.clock.nowMs() - startMs };
  }
}

function namesIn({ resources }: ResourceReading): readonly string[] {
  return resources.map(({ resource }) => resource.metadata.name);
}

for (const name of ["cart.yaml", "more"]) {
  test(`ResourceReader takes a link that leads nowhere for an accident, after a grace: ${name}`, async (context) => {
    const [path, elsewhere] = [await folder(context), await folder(context)];
    await writeFile(join(path, "web.yaml"), gateway());
    const target = join(elsewhere, name);
    if (name === "more") await mkdir(target);
    await writeFile(name === "more" ? join(target, "cart.yaml") : target, service("cart"));
    await symlink(target, join(path, name));
    const reading = new Reading(path);
    assert.deepEqual(namesIn(await reading.read()), ["cart", "web"].toSorted());

    await rename(target, join(elsewhere, "away"));
    const refused = await reading.problems();
    assert.deepEqual(refused.lines, [
      `${path}/${name}: expected a link that leads to a file or folder (${target} does not exist; delete the link to remove what was there)`,
    ]);
    assert.ok(refused.waitedMs >= CERTIFICATE_GRACE_MS, String(refused.waitedMs));
    // What was refused already, and has not changed, is not waited for again.
    assert.deepEqual(await reading.problems(), { lines: refused.lines, waitedMs: 0 });

    await rename(join(elsewhere, "away"), target);
    assert.deepEqual((await reading.problems()).lines, []);
    // To delete the link is the wish to remove what is behind it.
    await unlink(join(path, name));
    const removed = await reading.read();
    assert.deepEqual([namesIn(removed), removed.problems], [["web"], []]);
  });
}

test("ResourceReader looks twice before the first reading says that a link leads nowhere", async (context) => {
  const path = await folder(context);
  await writeFile(join(path, "web.yaml"), gateway());
  await symlink("nowhere", join(path, "cart.yaml"));
  const { lines, waitedMs } = await new Reading(path).problems();
  assert.deepEqual([lines.length, waitedMs], [1, WATCH_QUIET_MS]);
  const cured = await new Reading(path).read(0, () => writeFile(join(path, "nowhere"), service("cart")));
  assert.deepEqual([cured.problems, cured.resources.length], [[], 2]);
});

test("ResourceReader does not alarm while Kubernetes takes a file from a volume", async (context) => {
  const path = await folder(context);
  const generation = async (name: string, files: Readonly<Record<string, string>>): Promise<void> => {
    await mkdir(join(path, name));
    for (const [file, text] of Object.entries(files)) await writeFile(join(path, name, file), text);
  };
  await generation("..1", { "web.yaml": gateway(), "cart.yaml": service("cart") });
  await symlink("..1", join(path, "..data"));
  for (const file of ["web.yaml", "cart.yaml"]) await symlink(join("..data", file), join(path, file));
  const reading = new Reading(path);
  assert.equal((await reading.read()).resources.length, 2);
  await generation("..2", { "web.yaml": gateway() });
  await symlink("..2", join(path, "..data_tmp"));
  await rename(join(path, "..data_tmp"), join(path, "..data"));
  // The links of files that are no more are removed after the swap: here the reading falls in between.
  const after = await reading.read(CERTIFICATE_GRACE_STEP_MS * 5, () => unlink(join(path, "cart.yaml")));
  assert.deepEqual([after.problems, namesIn(after)], [[], ["web"]]);
});
