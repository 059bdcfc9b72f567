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
  readonly #online = Promise.withResolvers<void>();
  readonly #prepared = Promise.withResolvers<ChannelAddress>();
  readonly #serving = Promise.withResolvers<Serving>();
  readonly #ended = Promise.withResolvers<ExitCode>();
  readonly #onUpgradeWanted: (reason: string) => void;
  #description = Promise.withResolvers<Predecessor>();
  #handedOver = Promise.withResolvers<MoveReport>();
  #isGone: boolean = false;
  #reason: string = "";

  constructor({ command, args, env }: SuccessorProgram, onUpgradeWanted: (reason: string) => void) {
    this.#onUpgradeWanted = onUpgradeWanted;
    this.#child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit", "ipc"], env });
    this.#child.on("message", (message) => {
      if (isMessage(message)) this.#receive(message as GenerationMessage);
    });
    this.#child.on("error", (error) => {
      if (this.#child.pid === undefined) this.#gone(EXIT_CODE.failed, error.message);
    });
    this.#child.on("exit", (code, signal) => {
      this.#gone(code === EXIT_CODE.done ? EXIT_CODE.done : EXIT_CODE.failed, signal ?? `status ${code}`);
    });
    for (const { promise } of [this.#online, this.#prepared, this.#serving]) promise.catch(() => {});
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
    this.#description = Promise.withResolvers();
    if (this.#isGone) this.#description.reject(this.#goneError());
    else this.#tell({ type: "describe" });
    return this.#description.promise;
  }

  handOver(to: ChannelAddress): Promise<MoveReport> {
    this.#handedOver = Promise.withResolvers();
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

  kill(): void {
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

  #gone(code: ExitCode, how: string): void {
    if (this.#isGone) return;
    this.#isGone = true;
    if (this.#reason === "") this.#reason = `its process ended with ${how}`;
    const waiting = [this.#online, this.#prepared, this.#serving, this.#description, this.#handedOver];
    for (const each of waiting) {
      each.promise.catch(() => {});
      each.reject(this.#goneError());
    }
    this.#ended.resolve(code);
  }

  #goneError(): Error {
    return new Error(this.#reason);
  }
}
