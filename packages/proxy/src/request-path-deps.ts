import type { PickContext, ProxySettings } from "@weft/contract";
import type { Clock, OutputScheduler, Random, TimerWheel } from "@weft/kernel";
import type { AccessLog } from "./access-log/index.ts";
import type { AnswerDates } from "./answer-dates.ts";
import type { ClusterDirectory } from "./cluster-runtime.ts";
import type { Host } from "./cluster/index.ts";
import type { AnswerHolds } from "./held-answer.ts";
import type { HostPool } from "./pool/index.ts";
import type { Tracer } from "./tracing/index.ts";

/** What every request of a worker shares. Settings, log and tracer are replaced when the configuration changes. */
export interface RequestPathDeps {
  readonly clock: Clock;
  readonly scheduler: OutputScheduler;
  readonly wheel: TimerWheel;
  readonly random: Random;
  readonly clusters: ClusterDirectory;
  readonly dates: AnswerDates;
  readonly holds: AnswerHolds;
  /** Filled in before each pick and not kept by anybody: picks allocate nothing. */
  readonly pick: MutablePickContext;
  settings: ProxySettings;
  accessLog: AccessLog;
  tracer: Tracer;
}

/** The one `PickContext` of a worker. */
export interface MutablePickContext extends PickContext {
  hash: number;
  tried: readonly Host<HostPool>[];
}
