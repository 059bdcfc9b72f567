/** How long things go on, and how often they change. */
export interface ReloadPlan {
  /** Each phase lasts so long, in whole seconds (wrk knows no others), and until its last change is seen. */
  readonly phaseSeconds: number;
  /** Between two changes of a file. */
  readonly changeEveryMs: number;
  /** Between two kills, and between two handovers. */
  readonly killEveryMs: number;
  /** Of each client that watches with HTTP/1.1. */
  readonly http1Connections: number;
  /** Of each client that watches with HTTP/2, and requests at a time on each. */
  readonly http2Connections: number;
  readonly http2Streams: number;
  /** A client lets a connection rest for up to so long between two requests. */
  readonly restMsMax: number;
  /** wrk's. */
  readonly wrkConnections: number;
  /** h2load's, with as many streams on each. */
  readonly h2loadConnections: number;
}

/** About five minutes: what the documents say. */
export const FULL_RELOAD_PLAN: ReloadPlan = {
  phaseSeconds: 60,
  changeEveryMs: 1_000,
  killEveryMs: 5_000,
  http1Connections: 8,
  http2Connections: 2,
  http2Streams: 8,
  restMsMax: 50,
  wrkConnections: 32,
  h2loadConnections: 8,
};

/** About a minute: what to look at while working. */
export const QUICK_RELOAD_PLAN: ReloadPlan = {
  ...FULL_RELOAD_PLAN,
  phaseSeconds: 8,
  changeEveryMs: 500,
  killEveryMs: 2_000,
};
