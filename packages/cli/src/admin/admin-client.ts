import { type IncomingMessage, request as sendRequest } from "node:http";
import { text } from "node:stream/consumers";
import { WeftError } from "@weft/kernel";
import { isLoopback, type RouteTraffic } from "@weft/proxy";
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
  const [method, headers] = action === undefined ? ["GET", credentialsFor(admin)] : ["POST", proof];
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
  const [asked] = path.split("?");
  const message = `Cannot ask the admin server at ${where}: ${asked} was answered with ${statusCode}: ${reasonIn(body)}`;
  throw new WeftError<CliErrorCode>("CLI_ADMIN_REFUSED", message, { where, path, statusCode });
}

/** What a server beyond loopback asks of whoever reads. */
function credentialsFor({ address }: AdminAddress): Readonly<Record<string, string>> {
  const token = process.env["WEFT_ADMIN_TOKEN"] ?? "";
  return token === "" || isLoopback(address) ? {} : { authorization: `Bearer ${token}` };
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

/** The JSON that an endpoint answers with. */
export async function getJson<T>(admin: AdminAddress, path: string, timeoutMs?: number): Promise<T> {
  return JSON.parse(await getText(admin, path, { timeoutMs })) as T;
}

/** Has something done, and returns the JSON that says what. `token`: what the server asks of actions, "" for none. */
export async function postJson<T>(admin: AdminAddress, path: string, action: unknown, token: string): Promise<T> {
  return JSON.parse(await getText(admin, path, { action, token })) as T;
}

/** Everything that a proxy counts. @throws WeftError CLI_ADMIN_UNREACHABLE, CLI_ADMIN_REFUSED */
export async function readMetrics(admin: AdminAddress, timeoutMs?: number): Promise<readonly MetricSample[]> {
  return parseMetrics(await getText(admin, "/metrics", { timeoutMs }));
}

/** Memory that a proxy's processes hold, as its metrics say. */
export async function readResidentBytes(admin: AdminAddress): Promise<number> {
  return sumOf(await readMetrics(admin), "weft_process_resident_memory_bytes");
}

/** Calls `onSummary` every second until the signal; comes back by itself after the server was away. */
export function followSummaries(
  admin: AdminAddress,
  signal: AbortSignal,
  onSummary: (summary: LiveSummary) => void,
): void {
  const again = (): void => {
    if (!signal.aborted) setTimeout(() => followSummaries(admin, signal, onSummary), ADMIN_RETRY_MS).unref();
  };
  let isAnswered = false;
  const { address: host, port } = admin;
  const outgoing = sendRequest(
    { host, port, path: "/api/events", signal, headers: credentialsFor(admin) },
    (incoming) => {
      isAnswered = true;
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
      incoming.on("error", () => {});
      incoming.on("close", again);
    },
  );
  outgoing.on("error", () => {
    if (!isAnswered) again();
  });
  outgoing.end();
}

function parseSummary(event: string): LiveSummary | null {
  if (!event.startsWith("event: summary\n")) return null;
  const data = event
    .split("\n")
    .filter((line) => line.startsWith("data: "))
    .map((line) => line.slice("data: ".length));
  return JSON.parse(data.join("\n")) as LiveSummary;
}
