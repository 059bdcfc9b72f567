/** What holds for a whole proxy process (kind ProxyConfig). */
export interface ProxySettings {
  /** Names this proxy in traces, logs and its Via-like loop check. */
  readonly name: string;
  readonly accessLog: AccessLogSettings;
  readonly tracing: TracingSettings;
  readonly admin: AdminSettings;
  /** How long open requests may go on after a drain began. */
  readonly drainDeadlineMs: number;
  /** 421/508 after so many proxies of ours in a row. */
  readonly hopsMax: number;
}

/** Where people and programs ask how the proxy is. Beyond loopback they need a token, which is no part of the settings. */
export interface AdminSettings {
  readonly address: string;
  readonly port: number;
  /** Metrics are shown to whoever reaches the server, without the token. */
  readonly metricsOpen: boolean;
}

/** Where requests are logged, and which. One JSON object per line. */
export interface AccessLogSettings {
  /** "" for none, "stdout", or a file's path. */
  readonly target: string;
  /** First match decides; a request that matches none is not logged. */
  readonly rules: readonly AccessLogRule[];
}

/** Which requests are logged, and how many of them. */
export interface AccessLogRule {
  /** Status at least; 0 for all. */
  readonly statusMin: number;
  /** Duration at least, in milliseconds; 0 for all. */
  readonly durationMsMin: number;
  /** Route names; empty for all. */
  readonly routes: readonly string[];
  /** 0 to 1. */
  readonly sample: number;
}

/** Where spans go (W3C trace context, OTLP), and how many are made. */
export interface TracingSettings {
  /** OTLP/HTTP endpoint (".../v1/traces"); "" for none: trace context is then only passed on. */
  readonly otlpEndpoint: string;
  /** Share of new traces that are sampled, 0 to 1; a sampled parent is always followed. */
  readonly sample: number;
}
