import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { EXIT_CODE, type ExitCode } from "./exit-code.ts";

/** What a file in `commands/` exports. */
interface CommandModule {
  /** Builds the command with its arguments, options and action; the action sets `process.exitCode` when it fails. */
  createCommand(): Command;
}

/** A row of the command table: enough for `weft --help`, so that help loads no command. */
interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}

const COMMANDS: readonly CommandEntry[] = [
  {
    name: "up",
    summary: "run a mesh with a demo shop on this machine",
    load: () => import("./commands/up.ts"),
  },
  {
    name: "proxy",
    summary: "run the data plane with the configuration in a folder",
    load: () => import("./commands/proxy.ts"),
  },
  {
    name: "upgrade",
    summary: "have the version on disk take over from a running proxy, with its connections",
    load: () => import("./commands/upgrade.ts"),
  },
  {
    name: "status",
    summary: "how a running mesh or proxy does: workers, listeners, clusters and hosts",
    load: () => import("./commands/status.ts"),
  },
  {
    name: "top",
    summary: "traffic of a running mesh or proxy, route by route, live",
    load: () => import("./commands/top.ts"),
  },
  {
    name: "explain",
    summary: "how a running mesh or proxy would route a request, and why",
    load: () => import("./commands/explain.ts"),
  },
  {
    name: "doctor",
    summary: "check this machine and a configuration for what keeps Weft from working",
    load: () => import("./commands/doctor.ts"),
  },
  {
    name: "bench",
    summary: "measure side by side with other proxies",
    load: () => import("./commands/bench.ts"),
  },
  {
    name: "test",
    summary: "run all checks and tests, or the tests that match a pattern",
    load: () => import("./commands/test.ts"),
  },
];

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  return manifest.version;
}

/** The program with every command known by name, and only the one that `argv` asks for loaded. */
async function createProgram(argv: readonly string[]): Promise<Command> {
  const program = new Command("weft")
    .description("A service mesh and application runtime.")
    .version(readVersion(), "-V, --version")
    .showHelpAfterError("(run `weft --help` for the list of commands)")
    .exitOverride();
  const wanted = argv[0] === "help" ? argv[1] : argv[0];
  for (const { name, summary, load } of COMMANDS) {
    if (name === wanted) program.addCommand(withUsage((await load()).createCommand().copyInheritedSettings(program)));
    else program.command(name).description(summary);
  }
  return program;
}

/** Shows how the command is used after whatever is wrong with its use. */
function withUsage(command: Command): Command {
  const name = `weft ${command.name()}`;
  return command.showHelpAfterError(`Usage: ${name} ${command.usage()}\n(run \`${name} --help\` to see what it takes)`);
}

/** Runs the command line; the result is the process's exit code. */
async function main(argv: readonly string[]): Promise<ExitCode> {
  const program = await createProgram(argv);
  if (argv.length === 0) {
    program.outputHelp({ error: true });
    return EXIT_CODE.usage;
  }
  try {
    // Of a command that there is not, help would say nothing.
    const isLost = argv[0] === "help" && argv.length > 1 && !COMMANDS.some(({ name }) => name === argv[1]);
    await program.parseAsync(isLost ? argv.slice(1) : argv, { from: "user" });
    return (process.exitCode ?? EXIT_CODE.done) as ExitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODE.done : EXIT_CODE.usage;
    console.error(`weft: ${error instanceof Error ? error.message : String(error)}`);
    return EXIT_CODE.failed;
  }
}

process.exitCode = await main(process.argv.slice(2));
