import { type ChildProcess, spawn } from "node:child_process";
import type { ChannelAddress } from "@weft/kernel";
import type { UpgradeStatus } from "@weft/proxy";
import { EXIT_CODE, type ExitCode } from "../exit-code.ts";
import type { GenerationMessage, KeeperMessage, Predecessor } from "./generation-message.ts";
import type { Serving } from "./generation.ts";
import type { MoveReport } from "./hand-over-message.ts";
import { isMessage } from "./message.ts";

/** How the program that is on disk now is started, as this one was. */
export interface SuccessorProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** A version of the role that runs as a child of the process that was started first. */
export class SuccessorProcess {
  readonly #child: ChildProcess;
  readonly #online = expectation<void>();
  readonly #prepared = expectation<ChannelAddress>();
  readonly #serving = expectation<Serving>();
  readonly #ended = Promise.withResolvers<ExitCode>();
  readonly #onUpgradeWanted: (reason: string) => void;
  #description = expectation<Predecessor>();
  #handedOver = expectation<MoveReport>();
  #isGone: boolean = false;
  #reason: string = "";

  constructor({ command, args, env }: SuccessorProgram, onUpgradeWanted: (reason: string) => void) {
    this.#onUpgradeWanted = onUpgradeWanted;
    this.#child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit", "ipc"], env });
    this.#child.on("message", (message) => {
      if (isMessage(message)) this.#receive(message as GenerationMessage);
    });
    this.#child.on("error", (error) => {
      if (this.#child.pid === undefined) this.#gone(EXIT_CODE.failed, `it cannot be started: ${error.message}`);
    });
    this.#child.on("exit", (code, signal) => {
      const how = signal === null ? `status ${code}` : `signal ${signal}`;
      this.#gone(code === EXIT_CODE.done ? EXIT_CODE.done : EXIT_CODE.failed, `its process ended with ${how}`);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  get end(): Promise<ExitCode> {
    return this.#ended.promise;
  }

  /** Resolves when it is in charge; rejects when it ends before. */
  get serving(): Promise<Serving> {
    return this.#serving.promise;
  }

  /** Resolves with where it waits for the version in charge; rejects with why it cannot take over. */
  async prepare(predecessor: Predecessor): Promise<ChannelAddress> {
    await this.#online.promise;
    this.#tell({ type: "succeed", predecessor });
    return await this.#prepared.promise;
  }

  describe(): Promise<Predecessor> {
    this.#description = expectation();
    if (this.#isGone) this.#description.reject(this.#goneError());
    else this.#tell({ type: "describe" });
    return this.#description.promise;
  }

  handOver(to: ChannelAddress): Promise<MoveReport> {
    this.#handedOver = expectation();
    if (this.#isGone) this.#handedOver.reject(this.#goneError());
    else this.#tell({ type: "hand-over", to });
    return this.#handedOver.promise;
  }

  tellStatus(status: UpgradeStatus): void {
    this.#tell({ type: "upgrade-status", status });
  }

  drain(): void {
    this.#child.kill("SIGTERM");
  }

  reload(): void {
    this.#child.kill("SIGHUP");
  }

  /** Ends it at once; `reason` is what others are told. */
  kill(reason: string): void {
    if (this.#reason === "") this.#reason = reason;
    this.#child.kill("SIGKILL");
  }

  #tell(message: KeeperMessage): void {
    // An error means that the process is on its way out: the exit event tells the rest.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  #receive(message: GenerationMessage): void {
    switch (message.type) {
      case "online":
        this.#online.resolve();
        return;
      case "prepared":
        this.#prepared.resolve(message.address);
        return;
      case "ready":
        this.#serving.resolve({ listeners: message.listeners, admin: message.admin });
        return;
      case "description":
        this.#description.resolve(message.predecessor);
        return;
      case "handed-over":
        this.#handedOver.resolve(message.report);
        return;
      case "refused":
        this.#reason = message.reason;
        for (const each of [this.#prepared, this.#serving, this.#handedOver]) each.reject(new Error(message.reason));
        return;
      case "upgrade-wanted":
        this.#onUpgradeWanted(message.reason);
    }
  }

  #gone(code: ExitCode, reason: string): void {
    if (this.#isGone) return;
    this.#isGone = true;
    if (this.#reason === "") this.#reason = reason;
    const waiting = [this.#online, this.#prepared, this.#serving, this.#description, this.#handedOver];
    for (const each of waiting) each.reject(this.#goneError());
    this.#ended.resolve(code);
  }

  #goneError(): Error {
    return new Error(this.#reason);
  }
}

/** Something that the process is to say. Whether anybody waits for it when it fails is their own affair. */
function expectation<T>(): PromiseWithResolvers<T> {
  const expected = Promise.withResolvers<T>();
  expected.promise.catch(() => {});
  return expected;
}
