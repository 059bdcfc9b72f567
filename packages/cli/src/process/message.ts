import type { World } from "@weft/contract";
import type { ChannelAddress } from "@weft/kernel";
import type { HealthVerdict } from "@weft/proxy";

/** What a worker needs to know to begin. */
export interface WorkerStart {
  /** 0 for the first; names the worker in logs. */
  readonly slot: number;
  /** Other workers listen on the same ports. */
  readonly isPortShared: boolean;
  /** How many workers share the requests; 1 where it is not said. */
  readonly workerCount?: number;
  /** Workers of the version before are to hand their sockets and connections over: nothing is listened on before. */
  readonly awaitsHandOver?: boolean;
  readonly world: World;
}

/** What active checks found out about a host. */
export interface HostVerdict {
  readonly cluster: string;
  /** "address:port". */
  readonly host: string;
  readonly verdict: HealthVerdict;
  readonly reason: string;
}

/** What a supervisor asks a worker for. */
export interface Question {
  readonly id: number;
  readonly topic: string;
  readonly argument: unknown;
}

/** What a supervisor tells a worker. Plain data: it crosses the channel between two processes. */
export type SupervisorMessage =
  | { readonly type: "start"; readonly start: WorkerStart }
  /** Whether this worker is the one that asks hosts for their health; not before the first such message. */
  | { readonly type: "checks-health"; readonly isOn: boolean }
  /** What the worker that checks hosts found out. */
  | { readonly type: "verdicts"; readonly verdicts: readonly HostVerdict[] }
  | { readonly type: "ask"; readonly question: Question }
  /** Finish what is in flight, then leave. With `isMoving` connections go on to the next version where they can. */
  | { readonly type: "drain"; readonly isMoving?: boolean };

/** What a worker tells its supervisor. */
export type WorkerMessage =
  /** The worker's code is loaded; it waits for `start`. */
  | { readonly type: "online" }
  /** It could serve at once, and waits at this address for the worker that it takes over from. */
  | { readonly type: "prepared"; readonly address: ChannelAddress }
  | { readonly type: "ready"; readonly listeners: readonly ListenerAddress[] }
  | { readonly type: "verdict"; readonly verdict: HostVerdict }
  | { readonly type: "answer"; readonly id: number; readonly value: unknown }
  | { readonly type: "answer-failed"; readonly id: number; readonly message: string }
  | { readonly type: "drained"; readonly outcome: "drained" | "deadline"; readonly metrics: unknown };

/** Where a listener listens. */
export interface ListenerAddress {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** True for what has the shape of a message: an object with a `type`. The channel carries messages of ours alone. */
export function isMessage(value: unknown): value is { readonly type: string } {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}
