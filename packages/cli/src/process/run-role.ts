import type { ResourceProblem, World } from "@weft/contract";
import { type DirectorySource, renderProblem } from "@weft/control/client";
import type { AdminAddress } from "../admin/admin-address.ts";
import { EXIT_CODE, type ExitCode } from "../exit-code.ts";
import type { ProcessLog } from "../log.ts";
import { AdminHost } from "./admin-host.ts";
import { claimPorts, type PortClaim } from "./port-guard.ts";
import { RoleAdmin } from "./role-admin.ts";
import type { RoleHost } from "./role-host.ts";
import { handleSignals } from "./signals.ts";

/** What is needed to run a role until it is told to end. */
export interface RunOptions {
  readonly host: RoleHost;
  /** Read already, and without problems. */
  readonly source: DirectorySource;
  readonly world: World;
  readonly log: ProcessLog;
  /** Where the admin server listens, whatever the configuration says; null: where that says. */
  readonly admin: AdminAddress | null;
  /** Asked of actions on the admin server; "" for none. */
  readonly adminToken: string;
  /** Others may listen on the listeners' ports, each getting a part of the connections. */
  readonly sharesPorts: boolean;
}

/** Serves until a signal or the end of the parent process; the result is the process's exit code. */
export async function runRole(options: RunOptions): Promise<ExitCode> {
  const { host, source, world, log } = options;
  const end = Promise.withResolvers<ExitCode>();
  let isDraining = false;
  const drain = (reason: string): void => {
    if (isDraining) return;
    isDraining = true;
    log.info("draining", { reason });
    host.drain().then(
      () => end.resolve(EXIT_CODE.done),
      (error: unknown) => end.reject(error as Error),
    );
  };
  const stopSignals = handleSignals({
    onDrain: drain,
    onKill: (reason) => {
      log.warn("ending at once", { reason });
      host.kill();
      end.resolve(EXIT_CODE.failed);
    },
    onReload: () => {
      log.info("reading the configuration anew and reopening log files", { reason: "SIGHUP" });
      void source.reload();
      host.askAll("reopen-logs", null).catch((error: unknown) => {
        log.error("cannot reopen log files; the open ones stay", {
          reason: error instanceof Error ? error.message : String(error),
        });
      });
    },
    onRestart: () => void host.restartWorkers(),
  });
  const admin = new AdminHost(
    new RoleAdmin(host, source, log, () => drain("the admin server was asked to")),
    log,
    options.adminToken,
  );
  let claim: PortClaim | null = null;
  try {
    const adminWanted = options.admin ?? world.settings.admin;
    const listenersWanted = options.sharesPorts ? [] : world.listeners;
    claim = await claimPorts([...listenersWanted, { name: "admin", ...adminWanted }]);
    const listeners = await host.start(world);
    for (const { name, address, port } of listeners) log.info("listening", { listener: name, address, port });
    const adminAddress = await admin.start(adminWanted);
    claim.release();
    source.worlds.subscribe((next) => {
      if (next === world) return;
      if (options.admin === null) admin.move(next.settings.admin);
      void host.apply(next);
    });
    source.onProblem((problems) => logProblems(log, problems));
    // For a parent process that waits for it.
    process.send?.({ type: "ready", listeners, admin: adminAddress });
    return await end.promise;
  } catch (error) {
    host.kill();
    throw error;
  } finally {
    claim?.release();
    stopSignals();
    source.close();
    await admin.close();
  }
}

function logProblems(log: ProcessLog, problems: readonly ResourceProblem[]): void {
  if (problems.length === 0) {
    log.info("the configuration on disk is right again");
    return;
  }
  log.error("the configuration on disk is wrong; what runs stays", { problems: problems.length });
  for (const problem of problems) log.error(renderProblem(problem));
}
