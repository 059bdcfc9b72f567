import type { ResourceProblem, World } from "@weft/contract";
import { type DirectorySource, renderProblem } from "@weft/control/client";
import type { Log } from "@weft/proxy";
import { EXIT_CODE, type ExitCode } from "../exit-code.ts";
import type { ListenerAddress } from "./message.ts";
import type { RoleHost } from "./role-host.ts";
import { handleSignals } from "./signals.ts";

/** What is needed to run a role until it is told to end. */
export interface RunOptions {
  readonly host: RoleHost;
  /** Read already, and without problems. */
  readonly source: DirectorySource;
  readonly world: World;
  readonly log: Log;
  /** The role serves; what is returned ends what was begun. */
  onServing(listeners: readonly ListenerAddress[]): Promise<() => Promise<void>>;
}

/** Serves until a signal or the end of the parent process; the result is the process's exit code. */
export async function runRole(options: RunOptions): Promise<ExitCode> {
  const { host, source, world, log } = options;
  const end = Promise.withResolvers<ExitCode>();
  const stopSignals = handleSignals({
    onDrain: (reason) => {
      log.info("draining", { reason });
      host.drain().then(
        () => end.resolve(EXIT_CODE.done),
        (error: unknown) => end.reject(error as Error),
      );
    },
    onKill: (reason) => {
      log.warn("ending at once", { reason });
      host.kill();
      end.resolve(EXIT_CODE.failed);
    },
    onReload: () => {
      log.info("reading the configuration anew and reopening access logs");
      host.reopenLogs();
      void source.reload();
    },
    onRestart: () => void host.restartWorkers(),
  });
  let stopServing: (() => Promise<void>) | null = null;
  try {
    const listeners = await host.start(world);
    for (const { name, address, port } of listeners) log.info("listening", { listener: name, address, port });
    source.worlds.subscribe((next) => {
      if (next !== world) void host.apply(next);
    });
    source.onProblem((problems) => logProblems(log, problems));
    stopServing = await options.onServing(listeners);
    // For a parent process that waits for it.
    process.send?.({ type: "ready", listeners });
    return await end.promise;
  } catch (error) {
    host.kill();
    throw error;
  } finally {
    stopSignals();
    source.close();
    await stopServing?.();
  }
}

function logProblems(log: Log, problems: readonly ResourceProblem[]): void {
  if (problems.length === 0) {
    log.info("the configuration is right again");
    return;
  }
  log.error("the configuration on disk is wrong; what runs stays", { problems: problems.length });
  for (const problem of problems) log.error(renderProblem(problem));
}
