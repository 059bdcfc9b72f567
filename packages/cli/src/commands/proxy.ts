import { availableParallelism } from "node:os";
import type { ResourceProblem, World } from "@weft/contract";
import { loadWorld, renderProblem, watchDirectory } from "@weft/control/client";
import { Command, InvalidArgumentError, Option } from "commander";
import { type AdminAddress, parseAdminAddress } from "../admin/admin-address.ts";
import { accessLogFile, appendFault } from "../append-fault.ts";
import { renderCount } from "../count.ts";
import { EXIT_CODE, type ExitCode } from "../exit-code.ts";
import { WORKERS_MAX } from "../limits.ts";
import { createLog, type ProcessLog } from "../log.ts";
import { moduleUrl } from "../module-url.ts";
import { ProxyRole } from "../process/proxy-role.ts";
import type { RoleHost } from "../process/role-host.ts";
import { refuseSuccession, runRole, runSuccessor } from "../process/run-role.ts";
import { canSharePorts } from "../process/shared-ports.ts";
import { SingleHost } from "../process/single-host.ts";
import type { SuccessorProgram } from "../process/successor-process.ts";
import { Supervisor } from "../process/supervisor.ts";
import { endOnUncaught } from "../process/uncaught.ts";
import { summariseWorld } from "../world-summary.ts";

interface ProxyFlags {
  readonly config?: string;
  readonly workers?: number;
  readonly single?: boolean;
  readonly check?: boolean;
  readonly admin?: AdminAddress;
  readonly sharePorts?: boolean;
  readonly successor?: boolean;
}

interface ProxyOptions extends ProxyFlags {
  readonly config: string;
}

/** `weft proxy`: the data plane, in one process or several. */
export function createCommand(): Command {
  return new Command("proxy")
    .description("run the data plane with the configuration below a path, which is watched")
    .argument("[path]", "folder or file with the configuration (YAML)")
    .option("-c, --config <path>", "the same, as an option")
    .addOption(
      new Option("-w, --workers <count>", "worker processes; default: one per core")
        .argParser(parseWorkers)
        .conflicts("single"),
    )
    .option("--single", "one process without a supervisor: nothing starts it again when it dies")
    .addOption(
      new Option(
        "--admin <address:port>",
        "where the admin page and API are; default: what the configuration says",
      ).argParser(parseAdminAddress),
    )
    .addOption(
      new Option(
        "--share-ports",
        "listen also where others do, each getting a part of the connections: two proxies side by side",
      ).conflicts("single"),
    )
    .addOption(new Option("--successor", "take over from the proxy that started this process").hideHelp())
    .option("--check", "check the configuration, print what is wrong or what it comes to, and end")
    .addHelpText("after", HELP)
    .action(async (path: string | undefined, flags: ProxyFlags, command: Command) => {
      const { config = path } = flags;
      if (config === undefined) return command.error("error: missing argument 'path': where the configuration is");
      if (path !== undefined && path !== config) return command.error("error: two paths are given, one is wanted");
      const options = { ...flags, config };
      process.exitCode = await (options.check === true ? check(options) : run(options));
    });
}

const HELP = `
Environment:
  WEFT_ADMIN_TOKEN  asked of every action on the admin server, and of everybody where it listens beyond loopback

Signals:
  SIGTERM, SIGINT  finish open requests, then end; a second one ends at once
  SIGHUP           read the configuration anew and reopen the files of logs
  SIGUSR2          have the version of the program that is on disk now take over, as \`weft upgrade\` does`;

async function check({ config }: ProxyOptions): Promise<ExitCode> {
  const { world, problems } = await loadWorld(config);
  if (world === null) return reportProblems(problems);
  process.stdout.write(summariseWorld(world));
  return EXIT_CODE.done;
}

async function run(options: ProxyOptions): Promise<ExitCode> {
  const log = createLog({ name: "proxy", isForPeople: process.stderr.isTTY, level: "info" });
  endOnUncaught(log);
  const source = watchDirectory(options.config);
  const { problems } = await source.ready;
  const { world } = source;
  if (world === null) {
    source.close();
    if (options.successor === true) refuseSuccession(problems.map(renderProblem).join("; "));
    return reportProblems(problems);
  }
  // What every worker would fail of is said once, before there is one.
  const fault = accessLogFault(world);
  if (fault !== null) {
    source.close();
    if (options.successor === true) refuseSuccession(fault);
    console.error(`weft: ${fault}`);
    return EXIT_CODE.failed;
  }
  const host = createHost(options, log);
  const adminToken = process.env["WEFT_ADMIN_TOKEN"] ?? "";
  const { admin = null, sharePorts: sharesPorts = false } = options;
  const run = { host, source, world, log, admin, adminToken, sharesPorts };
  const running = options.successor === true ? runSuccessor(run) : runRole(run, successorProgram());
  const code = await running.catch((error: unknown): ExitCode => {
    console.error(`weft: ${error instanceof Error ? error.message : String(error)}`);
    return EXIT_CODE.failed;
  });
  // What clients hold open, or a proxy that could not start has left, would keep the process.
  process.exit(code);
}

/** Why the access log cannot be opened, under the code that a reload would give; null if it can. */
function accessLogFault({ settings }: World): string | null {
  const file = accessLogFile(settings.accessLog);
  const reason = file === null ? null : appendFault(file);
  return reason === null ? null : `[ACCESS_LOG_OPEN_FAILED] Cannot open access log "${file}": ${reason}`;
}

/** The program on disk, started as this one was: by the launcher, which makes what the program runs from, or directly. */
function successorProgram(): SuccessorProgram {
  const [, script = "", ...args] = process.argv;
  const wanted = [...args, "--successor"];
  const { WEFT_LAUNCHER: launcher = "", NODE_COMPILE_CACHE: cache, ...env } = process.env;
  // The launcher chooses a cache that belongs to what it starts.
  if (launcher !== "") return { command: launcher, args: wanted, env };
  const kept = cache === undefined ? env : { ...env, NODE_COMPILE_CACHE: cache };
  return { command: process.execPath, args: [...process.execArgv, script, ...wanted], env: kept };
}

function createHost(options: ProxyOptions, log: ProcessLog): RoleHost {
  const { single, workers, sharePorts = false, successor: awaitsHandOver = false } = options;
  const count = workers ?? availableParallelism();
  if (single !== true && canSharePorts()) {
    const module = moduleUrl("../process/worker-entry.ts", import.meta.url);
    return new Supervisor({
      workers: count,
      program: { module, args: [] },
      log,
      sharesPorts: sharePorts,
      awaitsHandOver,
    });
  }
  if (single !== true) {
    log.warn("one process only, which nothing starts again: this system cannot share a port among several", { count });
  }
  return new SingleHost(new ProxyRole(log), log);
}

function reportProblems(problems: readonly ResourceProblem[]): ExitCode {
  for (const problem of problems) console.error(renderProblem(problem));
  console.error(`weft: Cannot use the configuration: ${renderCount(problems.length, "problem")}`);
  return EXIT_CODE.usage;
}

function parseWorkers(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= WORKERS_MAX) return count;
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${WORKERS_MAX}.`);
}
