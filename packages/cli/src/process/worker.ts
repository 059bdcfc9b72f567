import type { ResourceProblem, World } from "@weft/contract";
import type { ChannelAddress } from "@weft/kernel";
import type { Demands } from "@weft/proxy";
import { EXIT_CODE } from "../exit-code.ts";
import {
  type HostVerdict,
  isMessage,
  type ListenerAddress,
  type Question,
  type SupervisorMessage,
  type WorkerMessage,
  type WorkerStart,
} from "./message.ts";

/** What a process of a role does, whether it is the only one or one of several. */
export interface WorkerRole {
  /** Resolves with the addresses of the listeners when requests are served. */
  start(start: WorkerStart, observer: WorkerObserver): Promise<readonly ListenerAddress[]>;
  /** What would keep these demands of a configuration from being met. Changes nothing. */
  findObstacles(demands: Demands): Promise<readonly ResourceProblem[]>;
  /** Takes the next version of the configuration; rejects when it cannot be applied, and the last one stays. */
  apply(world: World): Promise<void>;
  /** Answers a question of the supervisor with plain data. */
  answer(topic: string, argument: unknown): Promise<unknown>;
  /** Begins or ends asking hosts for their health. */
  setChecksHealth(isOn: boolean): void;
  /** Takes what another worker found out about hosts. */
  takeVerdicts(verdicts: readonly HostVerdict[]): void;
  /** Finishes what is in flight, within the configured deadline; `isMoving`: but for what moves to the next version. */
  drain(isMoving: boolean): Promise<"drained" | "deadline">;
}

/** Who hears from a role while it runs. */
export interface WorkerObserver {
  /** What this worker's checks say of a host. */
  onVerdict(verdict: HostVerdict): void;
  /** The worker could serve, and waits at this address for the one that it takes over from. */
  onPrepared(address: ChannelAddress): void;
}

/**
 * Serves a role in a worker process: does what the supervisor says, and ends when the supervisor is gone. SIGINT, which a
 * terminal sends to every process in front, is the supervisor's to handle; SIGTERM drains this worker alone.
 */
export function serveWorker(role: WorkerRole): void {
  let isDraining = false;
  const tell = (message: WorkerMessage): void => void process.send?.(message);
  const drain = async (isMoving: boolean): Promise<void> => {
    if (isDraining) return;
    isDraining = true;
    const outcome = await role.drain(isMoving);
    const message: WorkerMessage = { type: "drained", outcome, metrics: await role.answer("metrics", null) };
    // What it has counted last is to arrive.
    process.send?.(message, () => process.exit(EXIT_CODE.done));
  };
  process.on("message", (message) => {
    if (isMessage(message)) obey(role, message as SupervisorMessage, tell, drain);
  });
  process.on("disconnect", () => process.exit(EXIT_CODE.done));
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => void drain(false));
  tell({ type: "online" });
}

type Tell = (message: WorkerMessage) => void;
type Drain = (isMoving: boolean) => Promise<void>;

function obey(role: WorkerRole, message: SupervisorMessage, tell: Tell, drain: Drain): void {
  switch (message.type) {
    case "start":
      // A start that fails ends the process; the supervisor sees the status and the log has the reason.
      void role
        .start(message.start, {
          onVerdict: (verdict) => tell({ type: "verdict", verdict }),
          onPrepared: (address) => tell({ type: "prepared", address }),
        })
        .then((listeners) => tell({ type: "ready", listeners }));
      return;
    case "ask": {
      const { id } = message.question;
      answer(role, message.question).then(
        (value) => tell({ type: "answer", id, value }),
        (error: unknown) => tell({ type: "answer-failed", id, message: messageOf(error) }),
      );
      return;
    }
    case "checks-health":
      role.setChecksHealth(message.isOn);
      return;
    case "verdicts":
      role.takeVerdicts(message.verdicts);
      return;
    case "drain":
      void drain(message.isMoving === true);
  }
}

/** Two questions every role is asked: what keeps it from a configuration, and to take it. */
async function answer(role: WorkerRole, { topic, argument }: Question): Promise<unknown> {
  if (topic === "find-obstacles") return await role.findObstacles(argument as Demands);
  if (topic !== "apply") return await role.answer(topic, argument);
  await role.apply(argument as World);
  return null;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
