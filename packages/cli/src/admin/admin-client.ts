import { type IncomingMessage, request as sendRequest } from "node:http";
import { text } from "node:stream/consumers";
import { sleep, systemClock, WeftError } from "@weft/kernel";
import type { RouteTraffic } from "@weft/proxy";
import type { CliErrorCode } from "../errors.ts";
import { type AdminAddress, renderAdminAddress } from "./admin-address.ts";
import { type MetricSample, parseMetrics, sumOf } from "./metric-text.ts";
import { ADMIN_ANSWER_MS_MAX, ADMIN_EVENT_BYTES_MAX, ADMIN_RETRY_MS } from "./limits.ts";

/** What an admin server says every second about the second before. */
export interface LiveSummary {
  readonly requestsPerSecond: number;
  readonly connectionsActive: number;
  /** The busiest first. */
  readonly routes: readonly RouteTraffic[];
}

/** How an endpoint is asked for more than its JSON. */
interface AskOptions {
  readonly timeoutMs?: number | undefined;
  /** What is to be done there (POST), as JSON; without it nothing is changed. */
  readonly action?: unknown;
  /** Shown with an action where the server wants one; "" for none. */
  readonly token?: string;
}

/**
 * The body of an endpoint. Status 503 is an answer, too: that of a role that is not ready.
 *
 * @throws WeftError CLI_ADMIN_UNREACHABLE, CLI_ADMIN_REFUSED
 */
async function getText(admin: AdminAddress, path: string, options: AskOptions = {}): Promise<string> {
  const { timeoutMs = ADMIN_ANSWER_MS_MAX, action, token = "" } = options;
  const where = renderAdminAddress(admin);
  const { address: host, port } = admin;
  const signal = AbortSignal.timeout(timeoutMs);
  const proof = token === "" ? { "x-weft-admin": "1" } : { authorization: `Bearer ${token}` };
  const [method, headers] = action === undefined ? ["GET", readingFields()] : ["POST", proof];
  const [incoming, body] = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = sendRequest({ host, port, path, signal, method, headers, agent: false }, resolve).on(
      "error",
      reject,
    );
    outgoing.end(action === undefined ? undefined : JSON.stringify(action));
  })
    .then(async (answer) => [answer, await text(answer)] as const)
    .catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `Cannot ask the admin server at ${where}: ${reason}`;
      throw new WeftError<CliErrorCode>("CLI_ADMIN_UNREACHABLE", message, { where }, { cause });
    });
  const { statusCode = 0 } = incoming;
  if (statusCode === 200 || statusCode === 202 || (statusCode === 503 && path === "/api/ready")) return body;
  throw refusedBy(admin, path, statusCode, body);
}

/**
 * What a server beyond loopback asks of whoever reads. It is shown wherever it is set: a server that listens on all
 * addresses is asked on loopback as well, and asks for it all the same.
 */
function readingFields(): Readonly<Record<string, string>> {
  const token = process.env["WEFT_ADMIN_TOKEN"] ?? "";
  return token === "" ? {} : { authorization: `Bearer ${token}` };
}

function refusedBy(admin: AdminAddress, path: string, statusCode: number, body: string): WeftError<CliErrorCode> {
  const where = renderAdminAddress(admin);
  const [asked] = path.split("?");
  const message = `Cannot ask the admin server at ${where}: ${asked} was answered with ${statusCode}: ${reasonIn(body)}`;
  return new WeftError<CliErrorCode>("CLI_ADMIN_REFUSED", message, { where, path, statusCode });
}

function strangerAt(admin: AdminAddress, path: string): WeftError<CliErrorCode> {
  const where = renderAdminAddress(admin);
  const [asked] = path.split("?");
  const message = `Cannot use the answer of ${where}: this is no admin server of weft, ${asked} has another shape`;
  return new WeftError<CliErrorCode>("CLI_ADMIN_STRANGER", message, { where, path });
}

/** What an admin server says in its refusal; another program's words where it is none of ours. */
function reasonIn(body: string): string {
  try {
    const { error } = JSON.parse(body) as { readonly error?: { readonly message?: unknown } };
    if (typeof error?.message === "string") return error.message;
  } catch {
    // No JSON: whatever it is, is shown.
  }
  return body.trim();
}

/**
 * The JSON that an endpoint answers with. `field`: one that its answers have; what lacks it is another program's.
 *
 * @throws WeftError CLI_ADMIN_UNREACHABLE, CLI_ADMIN_REFUSED, CLI_ADMIN_STRANGER
 */
export async function getJson<T extends object>(
  admin: AdminAddress,
  path: string,
  field: keyof T & string,
  timeoutMs?: number,
): Promise<T> {
  return parseAnswer<T>(admin, path, field, await getText(admin, path, { timeoutMs }));
}

/**
 * Has something done, and returns the JSON that says what; see `getJson`. `token`: what the server asks of actions, ""
 * for none.
 */
export async function postJson<T extends object>(
  admin: AdminAddress,
  path: string,
  field: keyof T & string,
  action: unknown,
  token: string,
): Promise<T> {
  return parseAnswer<T>(admin, path, field, await getText(admin, path, { action, token }));
}

function parseAnswer<T extends object>(admin: AdminAddress, path: string, field: string, body: string): T {
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    throw strangerAt(admin, path);
  }
  if (typeof answer !== "object" || answer === null || !(field in answer)) throw strangerAt(admin, path);
  return answer as T;
}

/** Everything that a proxy counts. @throws WeftError CLI_ADMIN_UNREACHABLE, CLI_ADMIN_REFUSED */
export async function readMetrics(admin: AdminAddress, timeoutMs?: number): Promise<readonly MetricSample[]> {
  return parseMetrics(await getText(admin, "/metrics", { timeoutMs }));
}

/** Memory that a proxy's processes hold, as its metrics say. */
export async function readResidentBytes(admin: AdminAddress): Promise<number> {
  return sumOf(await readMetrics(admin), "weft_process_resident_memory_bytes");
}

/**
 * Calls `onSummary` every second until the signal, then resolves. A server that is away is waited for; one that refuses
 * is not, for it would do so again.
 *
 * @throws WeftError CLI_ADMIN_REFUSED, CLI_ADMIN_STRANGER
 */
export async function followSummaries(
  admin: AdminAddress,
  signal: AbortSignal,
  onSummary: (summary: LiveSummary) => void,
): Promise<void> {
  try {
    for (;;) {
      const incoming = await openEvents(admin, signal);
      if (incoming !== null) await readSummaries(incoming, onSummary);
      await sleep(systemClock, ADMIN_RETRY_MS, signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

const EVENTS_PATH = "/api/events";

/** The stream of events; null where nobody answers. */
async function openEvents({ address: host, port }: AdminAddress, signal: AbortSignal): Promise<IncomingMessage | null> {
  const headers = readingFields();
  const incoming = await new Promise<IncomingMessage | null>((resolve) => {
    sendRequest({ host, port, path: EVENTS_PATH, signal, headers, agent: false }, resolve)
      .on("error", () => resolve(null))
      .end();
  });
  if (incoming === null) return null;
  const { statusCode = 0 } = incoming;
  const admin = { address: host, port };
  if (statusCode !== 200) throw refusedBy(admin, EVENTS_PATH, statusCode, await text(incoming));
  if (incoming.headers["content-type"]?.startsWith("text/event-stream") === true) return incoming;
  incoming.destroy();
  throw strangerAt(admin, EVENTS_PATH);
}

/** Until the server goes away, whatever of it. */
function readSummaries(incoming: IncomingMessage, onSummary: (summary: LiveSummary) => void): Promise<void> {
  return new Promise((resolve) => {
    incoming.setEncoding("utf8");
    let held = "";
    incoming.on("data", (piece: string) => {
      held += piece;
      const events = held.split("\n\n");
      held = events.pop() ?? "";
      for (const event of events) {
        const summary = parseSummary(event);
        if (summary !== null) onSummary(summary);
      }
      if (held.length > ADMIN_EVENT_BYTES_MAX) incoming.destroy();
    });
    // A connection that breaks is a server that is away.
    incoming.on("error", () => resolve());
    incoming.on("close", resolve);
  });
}

function parseSummary(event: string): LiveSummary | null {
  if (!event.startsWith("event: summary\n")) return null;
  const data = event
    .split("\n")
    .filter((line) => line.startsWith("data: "))
    .map((line) => line.slice("data: ".length));
  return JSON.parse(data.join("\n")) as LiveSummary;
}
