import { isWeftError, systemClock, WeftError } from "@weft/kernel";
import type { AdminSource, WorkerStatus } from "@weft/proxy";
import type { AdminAddress } from "../../admin/admin-address.ts";
import { getJson } from "../../admin/admin-client.ts";
import { launchWeft } from "../peers/weft.ts";
import { chooseFreePort, LOOPBACK } from "../ports.ts";
import type { Program, ProgramGroup } from "../program-group.ts";
import { LEAVE_MS_MAX, REPLACE_MS_MAX, WATCH_POLL_MS } from "./limits.ts";

/** A connection as the admin server lists it. */
export type ListedConnection = Awaited<ReturnType<AdminSource["connections"]>>[number];

/** Fewer have nobody to take over. */
const WORKERS = 2;

/** `weft proxy` with two workers, and what its admin server and its log say. */
export class TestedProxy {
  readonly #group: ProgramGroup;
  readonly #program: Program;
  readonly #admin: AdminAddress;

  private constructor(group: ProgramGroup, program: Program, admin: AdminAddress) {
    this.#group = group;
    this.#program = program;
    this.#admin = admin;
  }

  /**
   * Starts it; resolves when all workers serve. Others may listen on the same ports.
   *
   * @throws WeftError BENCH_START_FAILED, BENCH_INTERRUPTED
   */
  static async start(group: ProgramGroup, configPath: string): Promise<TestedProxy> {
    const admin = { address: LOOPBACK, port: await chooseFreePort() };
    const where = `${admin.address}:${admin.port}`;
    const options = ["--workers", String(WORKERS), "--config", configPath, "--admin", where];
    const launch = launchWeft(["proxy", "--share-ports", ...options]);
    const program = await group.startServer(launch, admin.port, REPLACE_MS_MAX);
    const proxy = new TestedProxy(group, program, admin);
    await proxy.allReady([]);
    return proxy;
  }

  /** Those that serve, in the order of their places. */
  async workers(): Promise<readonly WorkerStatus[]> {
    const { workers } = await this.#ask<{ readonly workers: readonly WorkerStatus[] }>("/api/workers", "workers");
    return workers.filter(({ state }) => state === "ready").sort((a, b) => a.id - b.id);
  }

  /** What clients have open; a worker that is too busy to say is left out. */
  async connections(): Promise<readonly ListedConnection[]> {
    type Answer = { readonly connections: readonly ListedConnection[] };
    const { connections } = await this.#ask<Answer>("/api/connections", "connections");
    return connections.filter(({ side }) => side === "downstream");
  }

  /**
   * Resolves when all places have a worker that serves, none of them one of `before`.
   *
   * @throws WeftError BENCH_START_FAILED, BENCH_INTERRUPTED
   */
  async allReady(before: readonly number[]): Promise<void> {
    await this.#until(REPLACE_MS_MAX, "its workers did not all serve", async () => {
      // A busy machine may keep the admin server waiting: it is asked again.
      const workers = await this.workers().catch(() => []);
      const pids = workers.map(({ pid }) => pid);
      return pids.length === WORKERS && !pids.some((pid) => before.includes(pid));
    });
  }

  /** Resolves when an error was logged after that time (milliseconds since 1970); false if none comes in so long. */
  async hasComplained(sinceMs: number, msMax: number): Promise<boolean> {
    const deadlineMs = systemClock.nowMs() + msMax;
    for (;;) {
      const lines = this.#program.output.split("\n").filter((line) => line.includes('"level":"error"'));
      if (lines.some((line) => Date.parse(/"time":"([^"]+)"/.exec(line)?.[1] ?? "") >= sinceMs)) return true;
      if (systemClock.nowMs() > deadlineMs) return false;
      await this.#group.pause(WATCH_POLL_MS);
    }
  }

  /** Has it finish what is in flight; resolves with "" when it has left as it should, else with how. */
  async drain(): Promise<string> {
    this.#program.terminate();
    try {
      await this.#until(LEAVE_MS_MAX, "", () => Promise.resolve(this.#program.isGone));
    } catch (error) {
      if (!isWeftError(error, "BENCH_START_FAILED")) throw error;
      await this.stop();
      return `it was still there ${LEAVE_MS_MAX} ms after SIGTERM`;
    }
    const { code } = this.#program;
    return code === 0 ? "" : `it ended with status ${code}: ${this.#program.output.trim().slice(-500)}`;
  }

  async stop(): Promise<void> {
    await this.#group.stop(this.#program);
  }

  async #ask<T extends object>(path: string, field: keyof T & string): Promise<T> {
    this.#group.throwIfInterrupted();
    return await getJson<T>(this.#admin, path, field);
  }

  async #until(msMax: number, what: string, isSo: () => Promise<boolean>): Promise<void> {
    const deadlineMs = systemClock.nowMs() + msMax;
    while (!(await isSo())) {
      if (this.#program.isGone || systemClock.nowMs() > deadlineMs) {
        const message = `Cannot go on with weft: ${what} within ${msMax} ms. ${this.#program.output.trim().slice(-500)}`;
        throw new WeftError("BENCH_START_FAILED", message, { msMax });
      }
      await this.#group.pause(WATCH_POLL_MS);
    }
  }
}
