/** How a data plane's heartbeats are set, and how long things are watched. */
export interface ConnectionsPlan {
  /** Of each data plane; each opens its own connections. */
  readonly workers: number;
  /** Processes that answer; hosts are shared out among them. */
  readonly backends: number;
  readonly hostsPerBackend: number;
  /** Of each worker. */
  readonly connectionsPerHost: number;
  /** Calls per second through each data plane, in the phases with traffic. */
  readonly callsPerSecond: number;
  readonly heartbeat: HeartbeatTimes;
  /** For periods to reach what they stretch to. */
  readonly settleSeconds: number;
  /** Over which CPU and heartbeats are counted. */
  readonly windowSeconds: number;
  /** From the end of the traffic until a host is frozen that had some. */
  readonly recentSeconds: number;
}

/** As in a TrafficPolicy, in milliseconds. */
export interface HeartbeatTimes {
  readonly periodMs: number;
  readonly periodMsMax: number;
  readonly timeoutMs: number;
  readonly misses: number;
  readonly peerIdleTimeoutMs: number;
}

/** 60,480 connections with the heartbeats that hold where nobody says otherwise: about half an hour. */
export const FULL_CONNECTIONS_PLAN: ConnectionsPlan = {
  workers: 4,
  backends: 12,
  hostsPerBackend: 21,
  connectionsPerHost: 60,
  callsPerSecond: 1000,
  heartbeat: { periodMs: 15_000, periodMsMax: 80_000, timeoutMs: 1000, misses: 3, peerIdleTimeoutMs: 90_000 },
  settleSeconds: 180,
  windowSeconds: 60,
  recentSeconds: 30,
};

/** 5,760 connections whose times are a fifth of the usual: about five minutes, to see that everything works. */
export const QUICK_CONNECTIONS_PLAN: ConnectionsPlan = {
  workers: 2,
  backends: 12,
  hostsPerBackend: 12,
  connectionsPerHost: 20,
  callsPerSecond: 200,
  heartbeat: { periodMs: 3000, periodMsMax: 16_000, timeoutMs: 500, misses: 2, peerIdleTimeoutMs: 18_000 },
  // Hosts are watched for a minute after their last traffic, however short the periods are.
  settleSeconds: 65,
  windowSeconds: 12,
  recentSeconds: 3,
};
