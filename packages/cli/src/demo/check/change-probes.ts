import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sleep, systemClock } from "@weft/kernel";
import {
  CHECK_BACK_MS_MAX,
  CHECK_CHANGES,
  CHECK_CHANGE_PERIOD_MS,
  CHECK_KILL_AFTER_MS,
  CHECK_KILL_LOAD_MS,
  CHECK_LOOPS,
  CHECK_REQUEST_MS_MAX,
} from "../limits.ts";
import { charge } from "../shop/payment-contract.ts";
import type { RunningMesh } from "../up.ts";
import { withPayment } from "./grpc-probes.ts";
import { type HttpClient, withClient } from "./http-client.ts";
import { expect, type Probe } from "./probe.ts";

/** Requests that go on while something happens. */
class Load {
  sent: number = 0;
  readonly failures: string[] = [];
  readonly #loops: Promise<void>[] = [];
  #isOver: boolean = false;

  /** Sends requests one after the other until the end; several loops may run. */
  add(send: () => Promise<void>): void {
    this.#loops.push(this.#loop(send));
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#loops);
    const [first = ""] = this.failures;
    expect(this.failures.length === 0, `${this.failures.length} of ${this.sent} requests failed, the first: ${first}`);
  }

  async #loop(send: () => Promise<void>): Promise<void> {
    while (!this.#isOver) {
      this.sent++;
      try {
        await send();
      } catch (error) {
        this.failures.push(error instanceof Error ? error.message : String(error));
      }
    }
  }
}

/** Rewrites the weights of the cart again and again while requests run; in the end all traffic goes to v2. */
async function configurationChanges(running: RunningMesh): Promise<string> {
  const path = join(running.folder.configOf("ingress"), "routes.yaml");
  const original = readFileSync(path, "utf8");
  const withWeights = (v1: number, v2: number): string =>
    original.replace("weight: 90", `weight: ${v1}`).replace("weight: 10", `weight: ${v2}`);
  return await withClient(running.mesh.httpPort, async (client) => {
    const load = new Load();
    for (let loop = 0; loop < CHECK_LOOPS; loop++) load.add(async () => void (await client.json("/cart")));
    try {
      for (let change = 1; change <= CHECK_CHANGES; change++) {
        replaceFile(path, withWeights(100 - change, change));
        await sleep(systemClock, CHECK_CHANGE_PERIOD_MS);
      }
      replaceFile(path, withWeights(0, 1));
      const appliedMs = await timeUntil(CHECK_REQUEST_MS_MAX, () => isAllV2(client));
      await load.end();
      return `${CHECK_CHANGES + 1} changes, the last in force after ${Math.ceil(appliedMs)} ms; ${load.sent} requests, 0 failed`;
    } finally {
      await load.end().catch(() => {});
      replaceFile(path, original);
    }
  });
}

/** True when ten requests in a row were answered by v2: with a weight of half or less that is chance in 1000. */
async function isAllV2(client: HttpClient): Promise<boolean> {
  for (let sent = 0; sent < 10; sent++) if ((await client.json("/cart"))["version"] !== "v2") return false;
  return true;
}

/** As an editor saves: a reader sees the old file or the new one, never half of one. */
function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

/** Kills one of two payment instances under load: retries and ejection hide it; then it comes back. */
async function killedInstance(running: RunningMesh): Promise<string> {
  const victim = running.processes.get("payment-1");
  const pid = victim?.pid ?? 0;
  expect(victim !== undefined && pid > 0, "payment-1 does not run");
  return await withPayment(running, (payment) =>
    withClient(running.mesh.httpPort, async (client) => {
      const load = new Load();
      let orders = 0;
      const pay = async (): Promise<string> => {
        const order = `kill-${process.pid}-${++orders}`;
        return (await charge(payment, { order, cents: 1 }, CHECK_REQUEST_MS_MAX)).instance;
      };
      for (let loop = 0; loop < CHECK_LOOPS; loop++) load.add(async () => void (await pay()));
      for (let loop = 0; loop < CHECK_LOOPS / 2; loop++) load.add(async () => void (await client.json("/checkout")));
      try {
        await sleep(systemClock, CHECK_KILL_AFTER_MS);
        process.kill(pid, "SIGKILL");
        await sleep(systemClock, CHECK_KILL_LOAD_MS);
        expect(victim.pid !== pid, "payment-1 did not die");
      } finally {
        // A load that failed is the answer, whatever else went wrong.
        await load.end();
      }
      const backMs = await timeUntil(CHECK_BACK_MS_MAX, async () => victim.isReady && (await pay()) === "payment-1");
      return `${load.sent} requests, 0 failed; payment-1 served again ${(backMs / 1000).toFixed(1)} s later`;
    }),
  );
}

/** Milliseconds until `condition` held; throws when it did not in time. */
async function timeUntil(limitMs: number, condition: () => Promise<boolean>): Promise<number> {
  const startMs = performance.now();
  for (;;) {
    if (await condition()) return performance.now() - startMs;
    const elapsedMs = performance.now() - startMs;
    expect(elapsedMs < limitMs, `it had not happened after ${Math.round(elapsedMs)} ms`);
    await sleep(systemClock, 5);
  }
}

/** What happens to requests while the mesh changes under them. */
export const CHANGE_PROBES: readonly Probe[] = [
  { name: "configuration changes", run: configurationChanges },
  { name: "a killed instance", run: killedInstance },
];
