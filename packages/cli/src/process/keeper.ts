import { type Clock, systemClock } from "@weft/kernel";
import type { UpgradeStatus } from "@weft/proxy";
import { EXIT_CODE, type ExitCode } from "../exit-code.ts";
import { UPGRADE_MS_MAX } from "../limits.ts";
import type { ProcessLog } from "../log.ts";
import { type Predecessor, reasonOf } from "./generation-message.ts";
import type { Generation } from "./generation.ts";
import type { MoveReport } from "./hand-over-message.ts";
import { OrphanGuard } from "./orphan-guard.ts";
import { SuccessorProcess, type SuccessorProgram } from "./successor-process.ts";

/** A version of the role: the one that runs in this process, or one with a process of its own. */
type Member = Generation | SuccessorProcess;

/** Why a version cannot be taken over from. */
const CANNOT = "this proxy is a single process, or this system cannot pass connections on";

/**
 * The process that was started first stays for good, and with it the id that service managers and containers know: it runs
 * the first version itself, and later is the parent of whichever is in charge.
 *
 *     version 1 (here) --hands over to--> version 2 (child) --hands over to--> version 3 (child) ...
 */
export class Keeper {
  readonly #log: ProcessLog;
  readonly #clock: Clock;
  readonly #program: SuccessorProgram | null;
  readonly #ended = Promise.withResolvers<ExitCode>();
  readonly #guard = new OrphanGuard();
  readonly #members = new Set<Member>();
  #current: Member | null = null;
  #successor: SuccessorProcess | null = null;
  #status: UpgradeStatus = { generation: 1, state: "none", reason: "", tookMs: 0, handOverMs: 0, moved: 0, waiting: 0 };
  #isEnding: boolean = false;
  /** How the version in charge ended. */
  #code: ExitCode = EXIT_CODE.done;

  /** `program`: null where no version can take over from the first. */
  constructor(program: SuccessorProgram | null, log: ProcessLog, clock: Clock = systemClock) {
    this.#program = program;
    this.#log = log;
    this.#clock = clock;
  }

  get status(): UpgradeStatus {
    return this.#status;
  }

  /** Resolves when no version is left. */
  get end(): Promise<ExitCode> {
    return this.#ended.promise;
  }

  /** The first version serves. */
  begin(first: Generation): void {
    this.#current = first;
    this.#watch(first);
  }

  /** Has the version on disk take over; nothing while that is under way already. */
  upgrade(reason: string): UpgradeStatus {
    const current = this.#current;
    if (this.#status.state === "running" || this.#isEnding || current === null) return this.#status;
    const { generation } = this.#status;
    if (this.#program === null) {
      this.#log.warn("upgrade refused", { reason: CANNOT });
      this.#setStatus({ ...this.#status, state: "refused", reason: CANNOT });
      return this.#status;
    }
    this.#log.info("upgrade: the version on disk is started", { reason, generation });
    this.#setStatus({ generation, state: "running", reason: "", tookMs: 0, handOverMs: 0, moved: 0, waiting: 0 });
    void this.#upgrade(current, this.#program);
    return this.#status;
  }

  drain(reason: string): void {
    this.#isEnding = true;
    this.#successor?.kill(reason);
    this.#current?.drain(reason);
  }

  kill(reason: string): void {
    this.#isEnding = true;
    for (const member of this.#members) member.kill(reason);
  }

  reload(): void {
    this.#current?.reload();
  }

  async #upgrade(before: Member, program: SuccessorProgram): Promise<void> {
    const { generation } = this.#status;
    const startedMs = this.#clock.nowMs();
    const tookMs = (): number => Math.round(this.#clock.nowMs() - startedMs);
    const successor = new SuccessorProcess(program, (reason) => void this.upgrade(reason));
    this.#successor = successor;
    this.#watch(successor);
    if (successor.pid !== 0) this.#guard.add(successor.pid);
    const deadline = this.#clock.setTimer(() => {
      successor.kill(`the next version was not in charge after ${UPGRADE_MS_MAX} ms`);
    }, UPGRADE_MS_MAX);
    try {
      const report = await this.#takeOver(before, successor, generation);
      this.#current = successor;
      this.#log.info("upgrade: the next version is in charge", {
        supervisorPid: successor.pid,
        generation: generation + 1,
        tookMs: tookMs(),
        ...report,
      });
      this.#setStatus({ generation: generation + 1, state: "done", reason: "", tookMs: tookMs(), ...report });
    } catch (error) {
      const reason = reasonOf(error);
      successor.kill(reason);
      await successor.end;
      this.#log.error("upgrade refused: the present version carries on", { reason });
      this.#setStatus({ ...this.#status, state: "refused", reason, tookMs: tookMs() });
    } finally {
      this.#successor = null;
      this.#clock.clearTimer(deadline);
      await this.#checkEnd();
    }
  }

  async #takeOver(
    before: Member,
    successor: SuccessorProcess,
    generation: number,
  ): Promise<MoveReport & { readonly handOverMs: number }> {
    const description = await before.describe();
    const predecessor: Predecessor = { ...description, generation };
    const door = await successor.prepare(predecessor);
    const preparedMs = this.#clock.nowMs();
    let report: MoveReport = { moved: 0, waiting: 0 };
    const given = before.handOver(door).then(
      (result) => void (report = result),
      (error: unknown) => {
        // The next version goes on with what it has when the one before has died.
        if (!(before instanceof SuccessorProcess && before.isGone)) throw error;
      },
    );
    const both = [given, successor.serving];
    try {
      await Promise.all(both);
    } catch (error) {
      // Before it is over the present version has taken back what had not arrived.
      successor.kill(reasonOf(error));
      await Promise.allSettled(both);
      throw error;
    }
    return { ...report, handOverMs: Math.round(this.#clock.nowMs() - preparedMs) };
  }

  #setStatus(status: UpgradeStatus): void {
    this.#status = status;
    for (const member of this.#members) if (member instanceof SuccessorProcess) member.tellStatus(status);
  }

  /** The role ends with the version in charge. */
  #watch(member: Member): void {
    this.#members.add(member);
    const over = async (code: ExitCode): Promise<void> => {
      this.#members.delete(member);
      if (member instanceof SuccessorProcess) this.#guard.remove(member.pid);
      if (member === this.#current) this.#code = code;
      await this.#checkEnd();
    };
    member.end.then(over, (error: unknown) => {
      this.#log.error("a version of the proxy failed", { reason: reasonOf(error) });
      void over(EXIT_CODE.failed);
    });
  }

  /** Whoever is about to take over may still do so when the version before is gone. */
  async #checkEnd(): Promise<void> {
    const current = this.#current;
    if (current !== null && this.#members.has(current)) return;
    if (this.#successor !== null && !this.#isEnding) return;
    // Those before it may still finish what they have open, where it has ended in order.
    if (this.#code !== EXIT_CODE.done) for (const member of this.#members) member.kill("the version in charge is gone");
    if (this.#members.size > 0) return;
    await this.#guard.close();
    this.#ended.resolve(this.#code);
  }
}
