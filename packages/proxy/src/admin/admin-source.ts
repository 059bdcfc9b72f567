import type { Fields, ReloadStatus, World } from "@weft/contract";
import type { ClusterDescription } from "../cluster/index.ts";
import type { ExplainedAnswer } from "../explain-answer.ts";
import type { LogLevel } from "../log.ts";
import type { MetricsSnapshot } from "../metrics/index.ts";
import type { Explanation } from "../router/index.ts";

/** Whether new traffic should come here. */
export interface Readiness {
  readonly isReady: boolean;
  /** Why not, or what is worth knowing all the same. */
  readonly reasons: readonly string[];
}

/** One address that is listened on. */
export interface ListenerStatus {
  readonly name: string;
  readonly address: string;
  /** As bound: not 0. */
  readonly port: number;
  readonly protocol: string;
  readonly isTls: boolean;
  readonly connectionsActive: number;
  /** Why nothing is listened on there; "" while something is. */
  readonly problem: string;
}

/** How a connection is asked for signs of life. */
export interface HeartbeatStatus {
  /** What the period is stretched to at present. */
  readonly periodMs: number;
  /** Since the last sign of life. */
  readonly silentMs: number;
  /** Why the peer was asked whose answer is awaited; "" while none is. */
  readonly suspicion: string;
}

/** One connection that a client has open, or that we have open to a host. */
export interface ConnectionStatus {
  readonly side: "downstream" | "upstream";
  /** Listener or cluster. */
  readonly owner: string;
  /** "address:port" of the peer. */
  readonly peer: string;
  readonly protocol: string;
  readonly ageMs: number;
  readonly activeStreams: number;
  /** Null where the peer is not asked for signs of life: its protocol has no heartbeat, or none is wanted. */
  readonly heartbeat: HeartbeatStatus | null;
  readonly worker: number;
}

/** One worker process. */
export interface WorkerStatus {
  readonly id: number;
  readonly pid: number;
  readonly state: "starting" | "ready" | "draining";
  readonly startedAtMs: number;
  /** Of the configuration it has in force. */
  readonly revision: number;
  /** Times that a worker in this place was replaced because it died. */
  readonly restarts: number;
}

/** What became of the last request for another version to take over. */
export interface UpgradeStatus {
  /** 1 for the version that was started, one more with each that took over. */
  readonly generation: number;
  /** "refused": the next version could not take over, and this one carries on. */
  readonly state: "none" | "running" | "done" | "refused";
  /** Why it was refused; "" otherwise. */
  readonly reason: string;
  /** From the request until the next version was in charge, or until it was refused. */
  readonly tookMs: number;
  /** The part of it in which sockets and connections moved: before, the next version was started and got ready. */
  readonly handOverMs: number;
  /** Connections of clients that moved, and those that were busy and move or end later. */
  readonly moved: number;
  readonly waiting: number;
}

/** Why one route table sends a request where it does, and the listeners of that table on which it does so. */
export interface TableExplanation extends Explanation {
  /** What the proxy answers of its own to this request on these listeners; null where a host is asked, or no route matches. */
  readonly answer: ExplainedAnswer | null;
  readonly listeners: readonly Pick<ListenerStatus, "name" | "address" | "port" | "isTls">[];
}

/** A request to explain the routing of. */
export interface ExplainRequest {
  readonly method: string;
  readonly authority: string;
  readonly path: string;
  readonly fields: Fields;
  /** Only this route table; "" for all. */
  readonly table: string;
}

/**
 * What the admin server asks of a proxy: of the one in this process, or of the supervisor, which asks its workers and
 * merges. All answers are plain data.
 */
export interface AdminSource {
  readiness(): Promise<Readiness>;
  /** The configuration in force, secrets included: the server shows only what it knows to be harmless. Null before the first. */
  world(): Promise<World | null>;
  /** How versions of the configuration were taken; null where whoever feeds this proxy does not say. */
  reloads(): Promise<ReloadStatus | null>;
  metrics(): Promise<MetricsSnapshot>;
  listeners(): Promise<readonly ListenerStatus[]>;
  clusters(): Promise<readonly ClusterDescription[]>;
  connections(): Promise<readonly ConnectionStatus[]>;
  workers(): Promise<readonly WorkerStatus[]>;
  /** How each route table, or the one named, routes a request. */
  explain(request: ExplainRequest): Promise<readonly TableExplanation[]>;
  logLevel(): Promise<LogLevel>;
  setLogLevel(level: LogLevel): Promise<void>;
  /** Begins to drain; resolves at once, not when the last connection is gone. */
  drain(): Promise<void>;
  upgradeStatus(): Promise<UpgradeStatus>;
  /** Begins to hand over to the version of the program that is on disk now; resolves at once. */
  upgrade(): Promise<UpgradeStatus>;
}
