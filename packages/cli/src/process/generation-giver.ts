import { type ChannelAddress, type Clock, connectChannel, type HandleChannel, type TimerHandle } from "@weft/kernel";
import type { MetricsSnapshot } from "@weft/proxy";
import { PREDECESSOR_COUNTS_MS, UPGRADE_MS_MAX } from "../limits.ts";
import type { AdminHost } from "./admin-host.ts";
import { type PredecessorMessage, reasonOf, type SuccessorMessage } from "./generation-message.ts";
import type { MoveReport } from "./hand-over-message.ts";
import type { Supervisor } from "./supervisor.ts";

/** What the version in charge hands over. */
export interface Possessions {
  readonly supervisor: Supervisor;
  readonly admin: AdminHost;
  counts(): Promise<MetricsSnapshot>;
}

/**
 * The end of a take-over that gives: of the supervisor in charge.
 *
 *     we:   begin        targets known: give sockets      move        take-over         admin-closed    counts ...
 *     they:       targets                      listening                      in-charge                         serve
 *
 * Up to "in-charge" nothing is lost if they go: all that has not arrived there is served here. From then on it is they who
 * go on if we do not.
 */
export class GenerationGiver {
  readonly #possessions: Possessions;
  readonly #clock: Clock;
  #channel: HandleChannel | null = null;
  #waiting: { readonly type: SuccessorMessage["type"]; resolve(message: SuccessorMessage): void } | null = null;
  readonly #lost = Promise.withResolvers<never>();
  #timer: TimerHandle | null = null;
  #isDone: boolean = false;
  /** Resolves when our admin server has given its last answer. */
  #retired: Promise<void> = Promise.resolve();

  constructor(possessions: Possessions, clock: Clock) {
    this.#possessions = possessions;
    this.#clock = clock;
    this.#lost.promise.catch(() => {});
  }

  /** Resolves when the others are in charge; rejects when they cannot be, and all is here as before. */
  async handOver(to: ChannelAddress): Promise<MoveReport> {
    const { supervisor } = this.#possessions;
    const deadline = this.#clock.setTimer(
      () => this.#lose(`nothing came of it in ${UPGRADE_MS_MAX} ms`),
      UPGRADE_MS_MAX,
    );
    try {
      this.#channel = await connectChannel(to, {
        onMessage: (message) => this.#receive(message as SuccessorMessage),
        onClosed: () => this.#lose("the next version ended before it was in charge"),
      });
      return await Promise.race([this.#give(supervisor), this.#lost.promise]);
    } catch (error) {
      this.#send({ type: "give-up", reason: reasonOf(error) });
      this.#channel?.close();
      await supervisor.keepConnections();
      throw error;
    } finally {
      this.#clock.clearTimer(deadline);
    }
  }

  /** Lets what is left here finish, and tells the others what it comes to. */
  async finish(): Promise<void> {
    const { supervisor, counts } = this.#possessions;
    const tell = async (): Promise<void> => this.#send({ type: "counts", counts: await counts() });
    const tellAgain = (): void => {
      this.#timer = this.#clock.setTimer(() => void tell().then(tellAgain), PREDECESSOR_COUNTS_MS);
    };
    tellAgain();
    await Promise.all([supervisor.drain(true), this.#retired]);
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    await tell();
  }

  async #give(supervisor: Supervisor): Promise<MoveReport> {
    const givers = supervisor.giverCount;
    const targets = this.#await("targets");
    this.#send({ type: "begin", givers, verdicts: await supervisor.verdicts() });
    const listening = this.#await("listening", targets);
    const answer = await targets;
    if (answer.type === "targets") await supervisor.giveSockets(answer.targets);
    await listening;
    const report = await supervisor.moveConnections();
    const { admin, counts } = this.#possessions;
    const inCharge = this.#await("in-charge");
    this.#channel?.send(
      { type: "take-over", counts: await counts(), report } satisfies PredecessorMessage,
      admin.handle,
    );
    await inCharge;
    // Nothing that becomes of the others from here on brings the connections back.
    this.#isDone = true;
    this.#retired = admin.retire();
    this.#send({ type: "admin-closed" });
    return report;
  }

  #send(message: PredecessorMessage): void {
    this.#channel?.send(message);
  }

  /** The next message of that type; where another is waited for already, afterwards. */
  async #await(type: SuccessorMessage["type"], after?: Promise<unknown>): Promise<SuccessorMessage> {
    await after;
    return new Promise((resolve) => (this.#waiting = { type, resolve }));
  }

  #receive(message: SuccessorMessage): void {
    if (message.type === "failed") return this.#lose(message.reason);
    const waiting = this.#waiting;
    if (waiting?.type !== message.type) return;
    this.#waiting = null;
    waiting.resolve(message);
  }

  #lose(reason: string): void {
    if (!this.#isDone) this.#lost.reject(new Error(reason));
  }
}
