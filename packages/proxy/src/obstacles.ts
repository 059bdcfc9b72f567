import type { ListenerConfig, ProxySettings, ResourceProblem } from "@weft/contract";
import { type Clock, TcpListener } from "@weft/kernel";
import { checkAccessLog } from "./access-log/index.ts";
import { checkTls } from "./listener/index.ts";
import type { Tracer } from "./tracing/index.ts";

/** The parts of a configuration that may be right in themselves and yet not be had on this machine. */
export interface Demands {
  readonly settings: ProxySettings;
  readonly listeners: readonly ListenerConfig[];
}

/** How what is wanted would be used. */
export interface TrialOptions {
  readonly clock: Clock;
  readonly isPortShared: boolean;
  /** @throws WeftError TRACING_ENDPOINT_INVALID */
  readonly openTracer: (settings: ProxySettings) => Tracer;
}

/** A trial does not wait for connections. */
const TRIAL_BACKLOG = 1;

/**
 * What would keep `wanted` from taking the place of `present`: a log file that cannot be opened, certificates that do not
 * fit, addresses that cannot be listened on. Each is tried as it would be used, and let go of at once.
 */
export async function findObstacles(
  wanted: Demands,
  present: Demands,
  options: TrialOptions,
): Promise<readonly ResourceProblem[]> {
  const problems: ResourceProblem[] = [];
  const { name, accessLog, tracing } = wanted.settings;
  if (JSON.stringify(accessLog) !== JSON.stringify(present.settings.accessLog)) {
    const { target } = accessLog;
    const problem = await tryOut(() => checkAccessLog(accessLog, options.clock));
    if (problem !== null) {
      const expected = `a file that can be opened for appending (${problem})`;
      problems.push({ ...subjectOf("ProxyConfig", name), path: "spec.accessLog.target", value: target, expected });
    }
  }
  if (JSON.stringify(tracing) !== JSON.stringify(present.settings.tracing)) {
    const problem = await tryOut(() => options.openTracer(wanted.settings).close());
    if (problem !== null) {
      // The endpoint may hold a password, and so may what the error says of it.
      const expected = "the http or https URL of a collector that spans can be sent to";
      problems.push({ ...subjectOf("ProxyConfig", name), path: "spec.tracing.otlpEndpoint", value: "", expected });
    }
  }
  for (const listener of wanted.listeners) {
    const { tls, address, port } = listener;
    const subject = { ...subjectOf(`listener ${listener.name}`, ""), path: "", value: `${address}:${port}` };
    const own = tls === null ? null : await tryOut(() => checkTls(tls));
    if (own !== null) problems.push({ ...subject, path: "tls", value: "", expected: `usable certificates (${own})` });
    if (port === 0 || isOurs(listener, present, options)) continue;
    const problem = await tryOut(() => listenOnce(listener, options.isPortShared));
    if (problem !== null) problems.push({ ...subject, expected: `an address that can be listened on (${problem})` });
  }
  return problems;
}

/** Listened on already, or held by a listener of ours that may be about to leave: a trial would say nothing then. */
function isOurs({ address, port }: ListenerConfig, { listeners }: Demands, { isPortShared }: TrialOptions): boolean {
  return listeners.some((other) => other.port === port && (!isPortShared || other.address === address));
}

/** Why it does not work; null when it does. */
async function tryOut(attempt: () => void | Promise<void>): Promise<string | null> {
  try {
    await attempt();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function listenOnce({ address, port }: ListenerConfig, isPortShared: boolean): Promise<void> {
  const socket = new TcpListener();
  await socket.listen({ address, port, backlog: TRIAL_BACKLOG, isPortShared }, (handle) => handle.close());
  socket.close();
}

/** `fullName`: "namespace/name", or "" where the kind says it all. */
function subjectOf(kind: string, fullName: string): Omit<ResourceProblem, "path" | "value" | "expected"> {
  const [namespace = "", name = ""] = fullName.includes("/") ? fullName.split("/", 2) : ["", fullName];
  return { file: "", line: 0, column: 0, kind, namespace, name, condition: "Accepted", reason: "Invalid" };
}
