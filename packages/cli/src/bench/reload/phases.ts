import { systemClock } from "@weft/kernel";
import type { WorkerStatus } from "@weft/proxy";
import { type Generator, WRK } from "./generators.ts";
import { CHANGE_SEEN_MS_MAX, WATCH_POLL_MS } from "./limits.ts";
import type { PhaseRun } from "./phase-run.ts";
import { type ListedConnection, TestedProxy } from "./tested-proxy.ts";

/** Something that goes on while clients send requests. */
export interface Phase {
  readonly name: string;
  /** Whether load generators connect with TLS. */
  readonly isTls: boolean;
  /** Those that load the proxy meanwhile, where they are installed. */
  readonly generators: readonly Generator["tool"][];
  /** Whether requests in flight may fail; then no client sends one again, so that each shows. */
  readonly mayFail: boolean;
  drive(run: PhaseRun): Promise<void>;
}

/** h2load does not come back when a connection ends: phases that end connections go without it. */
export const PHASES: readonly Phase[] = [
  { name: "routes rewritten", isTls: false, generators: ["wrk", "h2load"], mayFail: false, drive: rewriteRoutes },
  {
    name: "certificates rotated",
    isTls: true,
    generators: ["wrk", "h2load"],
    mayFail: false,
    drive: rotateCertificates,
  },
  { name: "wrong files written", isTls: false, generators: ["wrk", "h2load"], mayFail: false, drive: writeWrongFiles },
  { name: "workers killed", isTls: false, generators: ["wrk"], mayFail: true, drive: killWorkers },
  { name: "handed over to a successor", isTls: false, generators: ["wrk"], mayFail: false, drive: handOver },
];

async function rewriteRoutes(run: PhaseRun): Promise<void> {
  await run.repeat(run.plan.changeEveryMs, 3, () => writeNextRoutes(run));
}

async function writeNextRoutes(run: PhaseRun): Promise<void> {
  const revision = ++run.state.revision;
  run.state.config.writeRoutes(revision);
  await run.allSee(`revision ${revision}`, run.watchers, (tally) => tally.revisionSeenMs(revision));
}

async function rotateCertificates(run: PhaseRun): Promise<void> {
  const watchers = run.watchers.filter(({ isTls }) => isTls);
  await run.repeat(run.plan.changeEveryMs, 2, async () => {
    const rotation = ++run.state.rotation;
    run.state.config.writeCertificate(rotation);
    await run.allSee(`certificate ${rotation}`, watchers, (tally) => tally.rotationSeenMs(rotation));
  });
}

/** Each wrong file is followed by a right one: what comes after a mistake must work again. */
async function writeWrongFiles(run: PhaseRun): Promise<void> {
  const { state, watchers, complaints } = run;
  await run.repeat(run.plan.changeEveryMs, 2, async () => {
    const wrong = ++state.revision;
    const sinceMs = systemClock.wallMs();
    state.config.writeWrongRoutes(wrong, state.wrongFiles++);
    if (!(await state.proxy.hasComplained(sinceMs, CHANGE_SEEN_MS_MAX))) {
      complaints.push(`wrong file ${wrong} was not complained about`);
    }
    await writeNextRoutes(run);
    if (watchers.some(({ tally }) => tally.revisionSeenMs(wrong) !== undefined)) {
      complaints.push(`wrong file ${wrong} was used`);
    }
  });
}

async function killWorkers(run: PhaseRun): Promise<void> {
  const { state, watchers } = run;
  await run.repeat(run.plan.killEveryMs, 2, async () => {
    const workers = await state.proxy.workers();
    const victim = workers[run.changes % workers.length];
    if (victim === undefined) return void run.complaints.push("no worker is ready");
    for (const watcher of watchers) watcher.keepsConnections = true;
    noteInFlight(run, victim, await lookAtConnections(run));
    process.kill(victim.pid, "SIGKILL");
    // A process takes a while to die: until then the system goes on to hand it connections.
    await state.proxy.allReady([victim.pid]);
    for (const watcher of watchers) watcher.keepsConnections = false;
  });
}

/**
 * All connections of clients, once every one that the watchers and wrk have is among them: those that the system has
 * accepted and the worker has not are missing, and all of a worker that is too busy to say.
 */
async function lookAtConnections(run: PhaseRun): Promise<readonly ListedConnection[]> {
  const { watchers, state, complaints } = run;
  const deadlineMs = systemClock.nowMs() + CHANGE_SEEN_MS_MAX;
  for (;;) {
    const connections = await state.proxy.connections();
    const listed = new Set(connections.map(portOf));
    const isWhole = watchers.every(({ opening, ports }) => opening === 0 && ports.every((port) => listed.has(port)));
    if (isWhole && countOthers(run, connections) >= run.loadConnections) return connections;
    if (systemClock.nowMs() > deadlineMs) {
      complaints.push("the admin server does not list all connections");
      return connections;
    }
    await run.group.pause(WATCH_POLL_MS);
  }
}

/** A connection has as many requests in flight as its client sends at a time on it. */
function noteInFlight(run: PhaseRun, victim: WorkerStatus, connections: readonly ListedConnection[]): void {
  const doomed = connections.filter(({ worker }) => worker === victim.id);
  for (const connection of doomed) run.killedPorts.add(portOf(connection));
  for (const { name, ports, streams } of run.watchers) {
    run.allowFailures(name, ports.filter((port) => doomed.some((other) => portOf(other) === port)).length * streams);
  }
  // wrk comes back at once, and may meet the worker again while the system takes it apart, listeners not first.
  run.allowFailures(WRK.client, countOthers(run, doomed) * 2);
}

/** Connections that are not the watchers': wrk's. */
function countOthers({ watchers }: PhaseRun, connections: readonly ListedConnection[]): number {
  const watched = new Set(watchers.flatMap(({ ports }) => ports));
  return connections.filter((connection) => !watched.has(portOf(connection))).length;
}

function portOf({ peer }: ListedConnection): number {
  return Number(peer.slice(peer.lastIndexOf(":") + 1));
}

/** The next proxy listens on the same ports before the last one is told to leave. */
async function handOver(run: PhaseRun): Promise<void> {
  const { state } = run;
  await run.repeat(run.plan.killEveryMs, 1, async () => {
    const successor = await TestedProxy.start(run.group, state.config.path);
    const how = await state.proxy.drain();
    if (how !== "") run.complaints.push(how);
    state.proxy = successor;
  });
}
