import { systemClock, WeftError } from "@weft/kernel";
import { IDLE_CONNECTIONS_PER_CLIENT_MAX, IDLE_OPEN_MS_MAX, START_POLL_MS } from "../limits.ts";
import { launchModule } from "../peers/node.ts";
import { readMemory } from "../process-usage.ts";
import type { Program, ProgramGroup } from "../program-group.ts";
import { SMALL } from "../scenario.ts";

/** What idle connections are opened to. */
export interface IdleTrial {
  readonly proxy: Program;
  readonly port: number;
  readonly connections: number;
  readonly settleMs: number;
}

/** Memory of the proxy's processes, in bytes. */
export interface IdleMemory {
  readonly emptyBytes: number;
  readonly openBytes: number;
}

/**
 * Memory of a proxy that nobody has connected to, and with all connections open after one request on each.
 *
 * @throws WeftError BENCH_CLIENT_FAILED, BENCH_INTERRUPTED
 */
export async function measureIdle(group: ProgramGroup, trial: IdleTrial): Promise<IdleMemory> {
  const { proxy, connections, settleMs } = trial;
  await group.pause(settleMs);
  const emptyBytes = readMemory(proxy.pids());
  const clients: Program[] = [];
  try {
    for (let left = connections; left > 0; left -= IDLE_CONNECTIONS_PER_CLIENT_MAX) {
      const count = Math.min(left, IDLE_CONNECTIONS_PER_CLIENT_MAX);
      const args = [String(trial.port), String(count), SMALL.target];
      const launch = launchModule(new URL("./idle-client-entry.ts", import.meta.url), args);
      clients.push(group.start({ name: "the idle clients", ...launch }));
    }
    await waitForAll(group, clients);
    await group.pause(settleMs);
    checkNoneLost(clients);
    const openBytes = readMemory(proxy.pids());
    if (proxy.isGone) throw clientFailed("the proxy ended");
    return { emptyBytes, openBytes };
  } finally {
    await Promise.all(clients.map((client) => group.stop(client)));
  }
}

async function waitForAll(group: ProgramGroup, clients: readonly Program[]): Promise<void> {
  const deadlineMs = systemClock.nowMs() + IDLE_OPEN_MS_MAX;
  while (!clients.every(({ output }) => /^open$/m.test(output))) {
    checkNoneLost(clients);
    if (systemClock.nowMs() > deadlineMs) throw clientFailed(`not all were open within ${IDLE_OPEN_MS_MAX} ms`);
    await group.pause(START_POLL_MS);
  }
}

function checkNoneLost(clients: readonly Program[]): void {
  for (const client of clients) {
    const lost = client.output.match(/^lost: .*$/gm) ?? [];
    if (lost[0] !== undefined) throw clientFailed(`${lost.length} connections, the first: ${lost[0]}`);
    if (client.isGone) throw clientFailed(`a client ended: ${client.output.trim()}`);
  }
}

function clientFailed(why: string): WeftError {
  return new WeftError("BENCH_CLIENT_FAILED", `Cannot hold idle connections: ${why}`, { why });
}
