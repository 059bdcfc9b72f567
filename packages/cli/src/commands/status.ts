import type { AdminSource, ClusterRetries, RouteTraffic, ShownReloads } from "@weft/proxy";
import { Command } from "commander";
import { type AdminAddress, adminOption, renderAdminAddress } from "../admin/admin-address.ts";
import { getJson } from "../admin/admin-client.ts";
import { findAdmin } from "../admin/find-admin.ts";
import { renderMs, renderTable } from "../admin/view.ts";
import { EXIT_CODE } from "../exit-code.ts";

/** What one question to an admin server is answered with. */
type Answer<Topic extends keyof AdminSource> = Awaited<ReturnType<AdminSource[Topic]>>;

/** What `weft status --json` prints. */
export interface Status {
  readonly readiness: Answer<"readiness">;
  /** How versions of the configuration were taken; null where the server does not know. */
  readonly reloads: ShownReloads | null;
  readonly workers: Answer<"workers">;
  readonly listeners: Answer<"listeners">;
  /** What clients saw of each route since the start. */
  readonly traffic: readonly Omit<RouteTraffic, "durations">[];
  readonly clusters: Answer<"clusters">;
  /** How often each cluster's requests were tried again. */
  readonly retries: readonly ClusterRetries[];
}

/** `weft status`: how a running role does, once. */
export function createCommand(): Command {
  return new Command("status")
    .description("print how a running mesh or proxy does; status 1 if it is not ready or cannot be asked")
    .addOption(adminOption())
    .option("--json", "print it as JSON")
    .action(async ({ admin: named, json }: { admin?: AdminAddress; json?: boolean }) => {
      const admin = await findAdmin(named);
      const status = await readStatus(admin);
      const output = json === true ? JSON.stringify(status, undefined, 2) : renderStatus(admin, status);
      process.stdout.write(`${output}\n`);
      if (!status.readiness.isReady) process.exitCode = EXIT_CODE.failed;
    });
}

async function readStatus(admin: AdminAddress): Promise<Status> {
  const [readiness, { reloads }, { workers }, { listeners }, { traffic, retries }, { clusters }] = await Promise.all([
    getJson<Answer<"readiness">>(admin, "/api/ready", "isReady"),
    getJson<{ reloads: ShownReloads | null }>(admin, "/api/reloads", "reloads"),
    getJson<{ workers: Answer<"workers"> }>(admin, "/api/workers", "workers"),
    getJson<{ listeners: Answer<"listeners"> }>(admin, "/api/listeners", "listeners"),
    getJson<Pick<Status, "traffic" | "retries">>(admin, "/api/routes", "traffic"),
    getJson<{ clusters: Answer<"clusters"> }>(admin, "/api/clusters", "clusters"),
  ]);
  return { readiness, reloads, workers, listeners, traffic, clusters, retries };
}

/** The status as tables for people. */
export function renderStatus(admin: AdminAddress, status: Status): string {
  const { readiness, reloads, workers, listeners } = status;
  const why = readiness.reasons.length > 0 ? ` (${readiness.reasons.join("; ")})` : "";
  return [
    `${renderAdminAddress(admin)} is ${readiness.isReady ? "ready" : "not ready"}${why}`,
    ...(reloads === null ? [] : renderReloads(reloads)),
    "",
    ...renderTable(
      ["worker", "process", "state", "revision", "restarts"],
      workers.map(({ id, pid, state, revision, restarts }) => [id, pid, state, revision, restarts].map(String)),
    ),
    "",
    ...renderTable(
      ["listener", "address", "protocol", "connections", "state"],
      listeners.map(({ name, address, port, protocol, isTls, connectionsActive, problem }) => [
        name,
        renderAdminAddress({ address, port }),
        isTls ? `${protocol} (TLS)` : protocol,
        String(connectionsActive),
        problem === "" ? "open" : `not open: ${problem}`,
      ]),
    ),
    "",
    ...renderTraffic(status),
    "",
    ...renderClusters(status),
  ].join("\n");
}

/** What clients saw: a request that was tried again and answered has not failed. */
function renderTraffic({ traffic }: Status): string[] {
  const rows = [...traffic]
    .sort((a, b) => (a.route < b.route ? -1 : 1))
    .map(({ route, requests, failures, p50Ms, p99Ms }) => [
      route,
      String(requests),
      String(failures),
      renderMs(p50Ms),
      renderMs(p99Ms),
    ]);
  return renderTable(["route", "requests", "failed", "p50", "p99"], rows);
}

/** What hosts saw: each try is one, also those that were made again elsewhere. */
function renderClusters({ clusters, retries }: Status): string[] {
  const retriesOf = new Map(retries.map(({ cluster, retries: count }) => [cluster, count]));
  const rows = clusters.flatMap(({ name, hosts }) => [
    [name, "", "", "", "", String(retriesOf.get(name) ?? 0), ""],
    ...hosts.map(({ key, state, activeRequests, successes, failures, connectFailures, reason }) => {
      const failed = failures + connectFailures;
      return [`  ${key}`, state, ...[activeRequests, successes + failed, failed].map(String), "", reason];
    }),
  ]);
  return renderTable(["cluster, its hosts", "state", "active", "tries", "failed", "made again", "why"], rows);
}

/** One line while all is well; while the files are refused, what is wrong in each. */
function renderReloads({ isCurrent, applied, refused, appliedAtMs, refusedAtMs, files }: ShownReloads): string[] {
  const counts = `${applied} applied, ${refused} refused since the start`;
  if (isCurrent) return [`configuration as on disk since ${renderTime(appliedAtMs)} (${counts})`];
  const isPart = appliedAtMs > refusedAtMs;
  return [
    isPart
      ? `configuration as on disk since ${renderTime(appliedAtMs)} but for (${counts}):`
      : `configuration on disk refused at ${renderTime(refusedAtMs)}, that of ${renderTime(appliedAtMs)} stays in force (${counts}):`,
    ...files.flatMap(({ file, problems }) =>
      problems.map(({ line, resource, path, expected }) => {
        const subject = [resource, path].filter((part) => part !== "").join(" ");
        const place = line > 0 ? `${file}:${line}` : file;
        return `  ${place === "" ? "" : `${place}: `}${subject === "" ? "" : `${subject} — `}expected ${expected}`;
      }),
    ),
  ];
}

/** Local time to the second, with the day. */
function renderTime(wallMs: number): string {
  return new Date(wallMs).toLocaleString("sv-SE");
}
