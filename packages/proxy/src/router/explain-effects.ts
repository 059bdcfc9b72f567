import type { Fault, HeaderChange, Mirror, RetryCondition } from "@weft/contract";
import type { RouteDecision } from "./decision.ts";

/** What is done to a request that is forwarded, and with it; plain data. */
export interface ExplainedEffects {
  /** As the client sent it. */
  readonly sentAuthority: string;
  /** What the host is sent: the first backend's, where backends differ. */
  readonly authority: string;
  readonly path: string;
  /** "set x-version", "add via", "remove cookie": fields by name, for values may be secrets. */
  readonly requestHeaders: readonly string[];
  readonly responseHeaders: readonly string[];
  readonly mirrors: readonly Mirror[];
  readonly fault: Fault | null;
  /** For the whole request; 0 for none. */
  readonly timeoutMs: number;
  readonly retry: ExplainedRetry | null;
}

/** When and how often the request is tried again. */
export interface ExplainedRetry {
  readonly retriesMax: number;
  readonly on: readonly RetryCondition[];
  /** 0 for none. */
  readonly perTryTimeoutMs: number;
}

/** What the rule of a decision does to its request; null for a rule that answers without asking anybody. */
export function explainEffects(decision: RouteDecision): ExplainedEffects | null {
  const { config, backends } = decision.rule;
  if (config.redirect !== null || config.directResponse !== null) return null;
  const backend = backends.find(({ weight }) => weight > 0) ?? null;
  const { authority, path } = decision.forwardedHead(backend);
  const own = config.backends.filter(({ weight }) => weight > 0);
  const colour = config.colour === null ? [] : [`set ${config.colour.header}`];
  const { retry } = config;
  return {
    sentAuthority: decision.head.authority,
    authority,
    path,
    requestHeaders: namesOf([config.requestHeaders, ...own.map(({ requestHeaders }) => requestHeaders)], colour),
    responseHeaders: namesOf([config.responseHeaders, ...own.map(({ responseHeaders }) => responseHeaders)]),
    mirrors: config.mirrors,
    fault: config.fault,
    timeoutMs: config.timeoutMs,
    retry:
      retry === null || retry.retriesMax === 0
        ? null
        : { retriesMax: retry.retriesMax, on: retry.on, perTryTimeoutMs: retry.perTryTimeoutMs },
  };
}

function namesOf(changes: readonly (HeaderChange | null)[], others: readonly string[] = []): readonly string[] {
  const names = changes.flatMap((change) =>
    change === null
      ? []
      : [
          ...change.remove.map((name) => `remove ${name}`),
          ...change.set.map(([name]) => `set ${name}`),
          ...change.add.map(([name]) => `add ${name}`),
        ],
  );
  return [...new Set([...names, ...others])];
}
