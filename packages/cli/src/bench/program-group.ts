import { type ChildProcess, spawn } from "node:child_process";
import { connect } from "node:net";
import { sleep, systemClock, WeftError } from "@weft/kernel";
import { PROGRAM_OUTPUT_BYTES_MAX, START_MS_MAX, START_POLL_MS, STOP_MS_MAX } from "./limits.ts";
import { LOOPBACK } from "./ports.ts";
import { readProcessTree } from "./process-usage.ts";
import { findProgram } from "./programs.ts";

/** What is to be run. */
export interface Launch {
  /** For messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** How a program ended. */
export interface ProgramResult {
  readonly output: string;
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly isTimedOut: boolean;
}

/**
 * The processes of one benchmark. Each ends with the group, and where the system can do that (Linux with setpriv) also
 * when this process is killed outright.
 */
export class ProgramGroup {
  readonly #signal: AbortSignal;
  readonly #programs: Set<Program> = new Set();
  readonly #killAll = (): void => {
    for (const program of this.#programs) program.kill();
  };

  /** Once `signal` is aborted everything that waits rejects. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    process.on("exit", this.#killAll);
  }

  get signal(): AbortSignal {
    return this.#signal;
  }

  /** Starts a program; `stop` or `close` ends it. @throws WeftError BENCH_INTERRUPTED */
  start(launch: Launch): Program {
    this.throwIfInterrupted();
    const program = new Program(launch);
    this.#programs.add(program);
    return program;
  }

  /**
   * Starts a server and waits until it accepts connections on `port` of the loopback address.
   *
   * @throws WeftError BENCH_START_FAILED, BENCH_INTERRUPTED
   */
  async startServer(launch: Launch, port: number, startMsMax: number = START_MS_MAX): Promise<Program> {
    const program = this.start(launch);
    const deadlineMs = systemClock.nowMs() + startMsMax;
    while (!(await accepts(port))) {
      if (program.isGone || systemClock.nowMs() > deadlineMs) {
        const how = program.isGone ? "it ended" : `it did not listen within ${startMsMax} ms`;
        await this.stop(program);
        throw new WeftError("BENCH_START_FAILED", `Cannot start ${launch.name}: ${how}. ${program.output.trim()}`, {
          name: launch.name,
        });
      }
      await this.pause(START_POLL_MS);
    }
    return program;
  }

  /**
   * Runs a program to its end.
   *
   * @throws WeftError BENCH_INTERRUPTED
   */
  async run(launch: Launch, msMax: number): Promise<ProgramResult> {
    const program = this.start(launch);
    let isTimedOut = false;
    const timer = systemClock.setTimer(() => {
      isTimedOut = true;
      program.kill();
    }, msMax);
    const stop = (): void => program.kill();
    this.#signal.addEventListener("abort", stop, { once: true });
    await program.gone;
    systemClock.clearTimer(timer);
    this.#signal.removeEventListener("abort", stop);
    this.#programs.delete(program);
    this.throwIfInterrupted();
    return { output: program.output, code: program.code, isTimedOut };
  }

  /** Waits. @throws WeftError BENCH_INTERRUPTED */
  async pause(ms: number): Promise<void> {
    this.throwIfInterrupted();
    await sleep(systemClock, ms, this.#signal).catch(() => {});
    this.throwIfInterrupted();
  }

  /** @throws WeftError BENCH_INTERRUPTED */
  throwIfInterrupted(): void {
    if (this.#signal.aborted) throw new WeftError("BENCH_INTERRUPTED", "Cannot finish the benchmark: interrupted", {});
  }

  /** Resolves when the program and its descendants are gone. */
  async stop(program: Program): Promise<void> {
    program.terminate();
    const timer = systemClock.setTimer(() => program.kill(), STOP_MS_MAX);
    await program.gone;
    systemClock.clearTimer(timer);
    this.#programs.delete(program);
  }

  /** Stops every program; the group is of no use afterwards. */
  async close(): Promise<void> {
    await Promise.all([...this.#programs].map((program) => this.stop(program)));
    process.off("exit", this.#killAll);
  }
}

/** A process of a benchmark. */
export class Program {
  readonly gone: Promise<void>;
  readonly #child: ChildProcess;
  #output: string = "";
  #isGone: boolean = false;
  #code: number | null = null;

  constructor({ command, args, env = {} }: Launch) {
    // setpriv has the kernel end the program when this process is gone, and then becomes it: no process more.
    const setpriv = process.platform === "linux" ? findProgram("setpriv") : null;
    const [path, all] =
      setpriv === null ? [command, args] : [setpriv, ["--pdeathsig", "SIGTERM", "--", command, ...args]];
    this.#child = spawn(path, all, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8");
      stream?.on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-PROGRAM_OUTPUT_BYTES_MAX);
      });
    }
    this.gone = new Promise((resolve) => {
      const end = (code: number | null): void => {
        this.#isGone = true;
        this.#code = code;
        resolve();
      };
      this.#child.on("error", (error) => {
        this.#output += error.message;
        if (this.#child.pid === undefined) end(null);
      });
      // After "exit" and with all output read.
      this.#child.on("close", end);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  get code(): number | null {
    return this.#code;
  }

  /** The last of what it said, on both streams. */
  get output(): string {
    return this.#output;
  }

  /** The process and its descendants: a server's workers. */
  pids(): readonly number[] {
    return this.#isGone ? [] : readProcessTree(this.pid);
  }

  terminate(): void {
    if (!this.#isGone) this.#child.kill("SIGTERM");
  }

  /** Ends the process and its descendants at once: a server that is killed cannot tell its workers. */
  kill(): void {
    for (const pid of this.pids()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // Gone in between.
      }
    }
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: LOOPBACK, port });
    const end = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}
