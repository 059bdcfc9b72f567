import type { AdminSource } from "@weft/proxy";
import { Command } from "commander";
import { type AdminAddress, adminOption, renderAdminAddress } from "../admin/admin-address.ts";
import { getJson } from "../admin/admin-client.ts";
import { renderTable } from "../admin/view.ts";
import { EXIT_CODE } from "../exit-code.ts";

/** What one question to an admin server is answered with. */
type Answer<Topic extends keyof AdminSource> = Awaited<ReturnType<AdminSource[Topic]>>;

/** What `weft status --json` prints. */
export interface Status {
  readonly readiness: Answer<"readiness">;
  readonly workers: Answer<"workers">;
  readonly listeners: Answer<"listeners">;
  readonly clusters: Answer<"clusters">;
}

/** `weft status`: how a running role does, once. */
export function createCommand(): Command {
  return new Command("status")
    .description("print how a running mesh or proxy does; status 1 if it is not ready or cannot be asked")
    .addOption(adminOption())
    .option("--json", "print it as JSON")
    .action(async ({ admin, json }: { admin: AdminAddress; json?: boolean }) => {
      const status = await readStatus(admin);
      const output = json === true ? JSON.stringify(status, undefined, 2) : renderStatus(admin, status);
      process.stdout.write(`${output}\n`);
      if (!status.readiness.isReady) process.exitCode = EXIT_CODE.failed;
    });
}

async function readStatus(admin: AdminAddress): Promise<Status> {
  const [readiness, { workers }, { listeners }, { clusters }] = await Promise.all([
    getJson<Answer<"readiness">>(admin, "/api/ready"),
    getJson<{ workers: Answer<"workers"> }>(admin, "/api/workers"),
    getJson<{ listeners: Answer<"listeners"> }>(admin, "/api/listeners"),
    getJson<{ clusters: Answer<"clusters"> }>(admin, "/api/clusters"),
  ]);
  return { readiness, workers, listeners, clusters };
}

/** The status as tables for people. */
export function renderStatus(admin: AdminAddress, { readiness, workers, listeners, clusters }: Status): string {
  const why = readiness.reasons.length > 0 ? ` (${readiness.reasons.join("; ")})` : "";
  const hosts = clusters.flatMap((cluster) =>
    cluster.hosts.map((host) => [
      `${cluster.name} ${host.key}`,
      host.state,
      String(host.activeRequests),
      String(host.successes),
      String(host.failures + host.connectFailures),
      host.reason,
    ]),
  );
  return [
    `${renderAdminAddress(admin)} is ${readiness.isReady ? "ready" : "not ready"}${why}`,
    "",
    ...renderTable(
      ["worker", "process", "state", "revision", "restarts"],
      workers.map(({ id, pid, state, revision, restarts }) => [id, pid, state, revision, restarts].map(String)),
    ),
    "",
    ...renderTable(
      ["listener", "address", "protocol", "connections"],
      listeners.map(({ name, address, port, protocol, isTls, connectionsActive }) => [
        name,
        renderAdminAddress({ address, port }),
        isTls ? `${protocol} (TLS)` : protocol,
        String(connectionsActive),
      ]),
    ),
    "",
    ...renderTable(["cluster and host", "state", "active", "successes", "failures", "why"], hosts),
  ].join("\n");
}
